//! Generates `src/gen/` from the .proto files and compares it with what is committed, so that building needs neither
//! protoc nor generated code at build time. `UPDATE=1 cargo test -p manifestd-proto` rewrites it.

#![expect(clippy::unwrap_used, reason = "a test: its helpers fail it by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use prost::Message;
use prost_types::FileDescriptorSet;
use tonic_prost_build::Builder;

const FILES: [&str; 3] =
    ["google/rpc/status.proto", "manifestd/v1/manifestd.proto", "manifestd/v1/source.proto"];

#[test]
fn committed_code_is_what_the_proto_files_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gen");
    let generated = generate();
    if std::env::var_os("UPDATE").is_some() {
        for (name, content) in &generated {
            fs::write(folder.join(name), content).unwrap();
        }
    }
    for (name, content) in &generated {
        let committed = fs::read(folder.join(name)).unwrap_or_default();
        assert!(
            committed == *content,
            "src/gen/{name} is out of date: run UPDATE=1 cargo test -p manifestd-proto"
        );
    }
    let committed = fs::read_dir(&folder).unwrap().count();
    assert_eq!(committed, generated.len(), "src/gen/ holds files that nothing generates");
}

/// File name → content of everything in `src/gen/`.
fn generate() -> BTreeMap<String, Vec<u8>> {
    let descriptors = protox::compile(FILES, [env!("CARGO_MANIFEST_DIR")]).unwrap();
    let mut all = messages_and_client(&descriptors);
    all.insert("manifestd.v1.server.rs".into(), server(&descriptors));
    all.insert("descriptors.bin".into(), described(descriptors).encode_to_vec());
    all
}

fn messages_and_client(descriptors: &FileDescriptorSet) -> BTreeMap<String, Vec<u8>> {
    let builder = tonic_prost_build::configure().build_server(false).skip_debug([".manifestd.v1.Credential"]);
    compile(builder, descriptors)
}

/// The server alone, over the messages of the other module, with `Reply` in place of `RenderResponse`.
fn server(descriptors: &FileDescriptorSet) -> Vec<u8> {
    let mut descriptors = descriptors.clone();
    for file in &mut descriptors.file {
        if file.package() == "manifestd.v1" {
            file.message_type.clear();
            file.enum_type.clear();
        }
    }
    let builder = tonic_prost_build::configure()
        .build_client(false)
        .extern_path(".manifestd.v1.RenderResponse", "crate::Reply")
        .extern_path(".manifestd.v1", "crate::v1")
        .extern_path(".google.rpc", "crate::rpc");
    compile(builder, &descriptors).remove("manifestd.v1.rs").unwrap()
}

fn compile(builder: Builder, descriptors: &FileDescriptorSet) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let builder = builder.bytes(".").out_dir(folder.path()).emit_rerun_if_changed(false);
    builder.compile_fds(descriptors.clone()).unwrap();
    let entries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect()
}

/// What reflection shows: everything but the comments.
fn described(mut descriptors: FileDescriptorSet) -> FileDescriptorSet {
    for file in &mut descriptors.file {
        file.source_code_info = None;
    }
    descriptors
}
