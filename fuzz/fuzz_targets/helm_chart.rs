//! Any files as a chart: loaded from a folder, from an archive, and as an archive in `charts/`; then rendered.
//!
//! The first byte says what the rest is: `z` a .tgz, `t` the tar inside one, anything else files in one text
//! (`manifestd_fuzz::files`).

#![no_main]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use helm::ValuesOptions;
use libfuzzer_sys::fuzz_target;
use manifestd_fuzz::{files, on_stack, render, tree, version};

fuzz_target!(|data: &[u8]| on_stack(data, run));

fn run(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    match first {
        b'z' => archive(rest.to_vec()),
        b't' => archive(zipped(rest)),
        _ => {
            render(&tree(&files(rest)), "", &ValuesOptions::default(), version(*first));
        }
    }
}

fn archive(archive: Vec<u8>) {
    let parent = b"apiVersion: v2\nname: p\nversion: 1.0.0\n".to_vec();
    let tree = tree(&[
        ("c.tgz".to_owned(), archive.clone()),
        ("p/Chart.yaml".to_owned(), parent),
        ("p/charts/c.tgz".to_owned(), archive),
    ]);
    for path in ["c.tgz", "p"] {
        render(&tree, path, &ValuesOptions::default(), version(b'4'));
    }
}

fn zipped(tar: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(tar).expect("memory takes what it is given");
    encoder.finish().expect("memory takes what it is given")
}
