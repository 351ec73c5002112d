//! Chart archives (`.tgz`): gzip and tar, within limits, names made safe.
//!
//! Source of the rules: helm `pkg/chart/loader/archive`.

use std::io::Read;

use crate::size::{MAX_FILE, MAX_TOTAL};
use crate::version::Profile;

/// The most entries an archive may have; helm knows no limit.
const MAX_ENTRIES: usize = 100_000;

/// The files of an archive, in its order, names without the first folder.
///
/// # Errors
/// Helm's text.
pub(crate) fn files(archive: &[u8], profile: &Profile) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut left = MAX_TOTAL;
    let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(archive));
    let mut files = Vec::new();
    for entry in archive.entries().map_err(|error| error.to_string())? {
        let mut entry = entry.map_err(|error| error.to_string())?;
        if entry.header().entry_type().is_dir() || is_pax(entry.header().entry_type()) {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = inner_name(&path)?;
        if entry.size() > left {
            return Err(format!("decompressed chart is larger than the maximum size {MAX_TOTAL}"));
        }
        if profile.limits_files && entry.size() > MAX_FILE {
            return Err(format!(
                "decompressed chart file {path:?} is larger than the maximum file size {MAX_FILE}"
            ));
        }
        let mut content = Vec::new();
        let read = entry.by_ref().take(left).read_to_end(&mut content);
        left -= read.map_err(|error| error.to_string())? as u64;
        if left == 0 {
            return Err(format!("decompressed chart is larger than the maximum size {MAX_TOTAL}"));
        }
        files.push((name, without_bom(content)));
        if files.len() > MAX_ENTRIES {
            return Err(format!("the chart archive has more than {MAX_ENTRIES} files"));
        }
    }
    if files.is_empty() { Err("no files in chart archive".to_owned()) } else { Ok(files) }
}

fn is_pax(kind: tar::EntryType) -> bool {
    kind.is_pax_global_extensions() || kind.is_pax_local_extensions()
}

/// The name without its first folder, refused where it leads elsewhere.
fn inner_name(path: &str) -> Result<String, String> {
    let delimiter = if path.contains('\\') { '\\' } else { '/' };
    let parts: Vec<&str> = path.split(delimiter).collect();
    let name = parts[1..].join("/");
    if name.is_empty() && parts[0] == "Chart.yaml" {
        return Err("chart yaml not in base directory".to_owned());
    }
    let clean = clean(&name).ok_or("chart illegally references parent directory")?;
    if clean == "." || clean.is_empty() {
        return Err("chart illegally contains content outside the base directory".to_owned());
    }
    if name.starts_with('/') {
        return Err("chart illegally contains absolute paths".to_owned());
    }
    let bytes = clean.as_bytes();
    if bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && bytes[2] == b'/' {
        return Err("chart contains illegally named files".to_owned());
    }
    Ok(clean)
}

/// `path.Clean`, or `None` where it leads upwards.
fn clean(name: &str) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                names.pop()?;
            }
            part => names.push(part),
        }
    }
    Some(names.join("/"))
}

/// Text files may begin with a byte order mark, which is no part of them.
pub(crate) fn without_bom(content: Vec<u8>) -> Vec<u8> {
    match content.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => rest.to_vec(),
        None => content,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::HelmVersion;

    #[test]
    fn only_old_versions_limit_each_file() {
        let large = vec![0; MAX_FILE as usize + 1];
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(large.len() as u64);
        builder.append_data(&mut header, "c/x", &large[..]).unwrap();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&builder.into_inner().unwrap()).unwrap();
        let packed = packed.finish().unwrap();
        assert_eq!(
            files(&packed, HelmVersion::V4_2_4.profile()).unwrap_err(),
            "decompressed chart file \"c/x\" is larger than the maximum file size 5242880"
        );
        assert_eq!(files(&packed, HelmVersion::V4_3_2.profile()).unwrap()[0].1.len(), large.len());
    }
}
