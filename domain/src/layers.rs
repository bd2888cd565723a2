//! The modules of this crate depend on each other in one direction: payments on files, files on csv, csv on values.

use std::fs;
use std::path::{Path, PathBuf};

/// From the lowest to the highest.
const LAYERS: [&str; 4] = ["values", "csv", "files", "payments"];

/// The sources of a module, with their paths.
fn sources(directory: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        if path.is_dir() {
            return sources(&path);
        }
        vec![(path.display().to_string(), fs::read_to_string(&path).unwrap())]
    };
    entries.flat_map(read).collect()
}

/// The names that the root exports from a module.
fn exported(root: &str, module: &str) -> Vec<String> {
    let names = root.lines().filter_map(|line| line.strip_prefix("pub use ")?.strip_prefix(module)?.strip_prefix("::"));
    let names = names.filter_map(|path| path.trim_end_matches([';', '}']).rsplit_once("::"));
    names.flat_map(|(_, names)| names.trim_start_matches('{').split(", ")).map(str::to_owned).collect()
}

/// The names that a source imports from the root of the crate or uses by their path.
fn used(source: &str) -> Vec<&str> {
    let after_crate = source.split("crate::").skip(1);
    after_crate
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default().split(',').map(str::trim).collect(),
            None => vec![rest],
        })
        .map(|rest| rest.split(|character: char| !character.is_alphanumeric() && character != '_').next().unwrap())
        .collect()
}

#[test]
fn no_layer_uses_a_higher_one() {
    let root = include_str!("lib.rs");
    for (height, layer) in LAYERS.iter().enumerate() {
        let higher = &LAYERS[height + 1..];
        let names: Vec<String> = higher.iter().flat_map(|module| exported(root, module)).collect();
        assert!(!names.is_empty() || higher.len() < 2, "{layer}");
        for (path, source) in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(layer)) {
            let found =
                used(&source).into_iter().find(|name| higher.contains(name) || names.iter().any(|one| one == name));
            assert_eq!(found, None, "{path}");
        }
    }
}
