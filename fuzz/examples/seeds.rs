//! Writes first inputs for the targets of charts, made of the cases in `testdata/helm`: `cargo run --example seeds`.

use std::fs;
use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for case in fs::read_dir(root.join("../testdata/helm"))? {
        let case = case?;
        let chart = case.path().join("chart");
        if !chart.is_dir() {
            continue;
        }
        let mut seeds = Seeds { root, case: case.file_name().to_string_lossy().into_owned(), templates: 0 };
        let mut all = b"4".to_vec();
        seeds.folder(&chart, "", &mut all)?;
        seeds.write("helm_chart", "", &all)?;
        let mut tar = tar::Builder::new(b"t".to_vec());
        tar.append_dir_all("c", &chart)?;
        seeds.write("helm_chart", "-tar", &tar.into_inner()?)?;
        seeds.values(&case.path())?;
    }
    Ok(())
}

/// The seeds of one case.
struct Seeds<'r> {
    root: &'r Path,
    case: String,
    templates: usize,
}

impl Seeds<'_> {
    /// Every file goes into the chart's text, every template becomes a seed of its own.
    fn folder(&mut self, folder: &Path, name: &str, all: &mut Vec<u8>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{name}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                self.folder(&entry.path(), &format!("{name}/"), all)?;
                continue;
            }
            let content = fs::read(entry.path())?;
            if name.starts_with("templates/") {
                self.templates += 1;
                self.write("helm_template", &format!("-{}", self.templates), &[b"4", &content[..]].concat())?;
            }
            if name.ends_with(".tgz") {
                self.write("helm_chart", "-archive", &[b"z", &content[..]].concat())?;
            }
            all.extend_from_slice(format!("-- {name} --\n").as_bytes());
            all.extend_from_slice(&content);
        }
        Ok(())
    }

    /// The values, the schema and the `--set` flags of the case.
    fn values(&self, case: &Path) -> io::Result<()> {
        let mut text = b"4".to_vec();
        for (file, name) in [("chart/values.yaml", "values"), ("chart/values.schema.json", "schema")] {
            if let Ok(content) = fs::read(case.join(file)) {
                text.extend_from_slice(format!("-- {name} --\n").as_bytes());
                text.extend_from_slice(&content);
            }
        }
        let flags = fs::read_to_string(case.join("flags")).unwrap_or_default();
        let mut lines = flags.lines();
        while let Some(line) = lines.next() {
            if let (Some(flag), Some(value)) = (line.strip_prefix("--set"), lines.clone().next()) {
                text.extend_from_slice(format!("-- set{flag} --\n{value}\n").as_bytes());
            }
        }
        self.write("helm_values", "", &text)
    }

    fn write(&self, target: &str, suffix: &str, content: &[u8]) -> io::Result<()> {
        let folder = self.root.join("corpus").join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{}{suffix}", self.case)), content)
    }
}
