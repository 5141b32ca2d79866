//! The rule of layers, checked against `cargo metadata`: a crate depends on lower layers only, and crates of
//! one layer do not know each other. The same file checks what every library owes: a README that is its crate
//! doc, the feature `full`, no unsafe code, the workspace's version and its lints.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

#[test]
fn the_workspace_keeps_its_layers() {
    let broken = violations(&metadata());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_library_has_its_papers() {
    let metadata = metadata();
    let mut missing = Vec::new();
    for package in packages(&metadata).filter(|package| is_library(package)) {
        missing.extend(missing_papers(package));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_package_takes_version_and_lints_from_the_workspace() {
    let metadata = metadata();
    for package in packages(&metadata) {
        let name = text(package, "name");
        assert_eq!(text(package, "version"), env!("CARGO_PKG_VERSION"), "{name} has a version of its own");
        let manifest = read(Path::new(text(package, "manifest_path")));
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name} does not take the workspace's lints");
    }
}

#[test]
fn a_sound_workspace_passes() {
    let sound = workspace(&[
        ("civic-types", &[]),
        ("civic-crypto", &[dependency("civic-types")]),
        ("civic-store", &[dependency("civic-types"), optional("civic-crypto"), dependency("serde")]),
        ("civic-sync", &[dependency("civic-store"), dependency("civic-types")]),
        ("civicbase", &[dependency("civic-sync"), of_kind("civicbase", "dev")]),
        ("cable-cut", &[dependency("civicbase")]),
    ]);
    assert_eq!(violations(&sound), [""; 0]);
}

#[test]
fn an_upward_dependency_is_refused() {
    let doctored = workspace(&[("civic-types", &[dependency("civicbase")]), ("civicbase", &[])]);
    assert_eq!(violations(&doctored), ["civic-types (layer 0) may not depend on civicbase (layer 4)"]);
}

#[test]
fn a_sideways_dependency_is_refused() {
    let doctored = workspace(&[("civic-store", &[dependency("civic-transport")]), ("civic-transport", &[])]);
    assert_eq!(violations(&doctored), ["civic-store (layer 2) may not depend on civic-transport (layer 2)"]);
}

#[test]
fn dev_and_build_dependencies_obey_too() {
    for kind in ["dev", "build"] {
        let doctored = workspace(&[("civic-sync", &[of_kind("civicbase", kind)]), ("civicbase", &[])]);
        assert_eq!(violations(&doctored), ["civic-sync (layer 3) may not depend on civicbase (layer 4)"]);
    }
}

#[test]
fn a_renamed_dependency_is_known_by_its_package() {
    let mut renamed = dependency("civicbase");
    renamed["rename"] = json!("front");
    let doctored = workspace(&[("civic-types", &[renamed]), ("civicbase", &[])]);
    assert_eq!(violations(&doctored), ["civic-types (layer 0) may not depend on civicbase (layer 4)"]);
}

#[test]
fn the_pure_crate_knows_no_keys() {
    let doctored = workspace(&[("civic-crdt", &[of_kind("civic-crypto", "dev")]), ("civic-crypto", &[])]);
    assert_eq!(violations(&doctored), ["civic-crdt (layer 2) may not depend on civic-crypto (layer 1)"]);
}

#[test]
fn the_store_knows_cryptography_by_feature_only() {
    let doctored = workspace(&[("civic-store", &[dependency("civic-crypto")]), ("civic-crypto", &[])]);
    assert_eq!(
        violations(&doctored),
        ["civic-store may depend on civic-crypto only as an optional dependency"]
    );
}

#[test]
fn an_unknown_crate_is_refused() {
    let doctored = workspace(&[("civic-extra", &[])]);
    assert_eq!(violations(&doctored), ["civic-extra has no layer: give it a row in LAYERS"]);
}

#[test]
fn a_path_outside_the_workspace_is_refused() {
    let mut stray = dependency("borrowed");
    stray["path"] = json!("/elsewhere/borrowed");
    let doctored = workspace(&[("civic-types", &[stray])]);
    assert_eq!(violations(&doctored), ["civic-types depends by path on borrowed, which has no layer"]);
}

/// What breaks the rule of layers in the output of `cargo metadata --no-deps`, one sentence each.
fn violations(metadata: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    for package in packages(metadata) {
        let name = text(package, "name");
        let Some(row) = row(name) else {
            broken.push(format!("{name} has no layer: give it a row in LAYERS"));
            continue;
        };
        for dependency in list(package, "dependencies") {
            broken.extend(violation(row, dependency));
        }
    }
    broken
}

fn violation(from: &Row, dependency: &Value) -> Option<String> {
    let name = text(dependency, "name");
    let Some(to) = row(name) else {
        let by_path = dependency["path"].is_string();
        return by_path.then(|| format!("{} depends by path on {name}, which has no layer", from.name));
    };
    if to.name == from.name {
        return None; // a crate turns its own features on for its tests this way
    }
    if to.layer >= from.below {
        return Some(format!(
            "{} (layer {}) may not depend on {} (layer {})",
            from.name, from.layer, to.name, to.layer
        ));
    }
    let normal = dependency["kind"].is_null();
    let needs_feature = (from.name, to.name) == ("civic-store", "civic-crypto");
    (needs_feature && normal && dependency["optional"] != json!(true))
        .then(|| format!("{} may depend on {} only as an optional dependency", from.name, to.name))
}

fn missing_papers(package: &Value) -> Vec<String> {
    let name = text(package, "name");
    let manifest = PathBuf::from(text(package, "manifest_path"));
    let readme = manifest.with_file_name("README.md");
    let root = read(&manifest.with_file_name("src").join("lib.rs"));
    let owed = [
        (package["features"]["full"].is_array(), "no feature `full`"),
        (readme.is_file(), "no README.md"),
        (root.contains("#![forbid(unsafe_code)]"), "no `#![forbid(unsafe_code)]` in lib.rs"),
        (root.contains(r#"include_str!("../README.md")"#), "a crate doc that is not its README.md"),
    ];
    owed.iter().filter(|(held, _)| !held).map(|(_, what)| format!("{name} has {what}")).collect()
}

fn is_library(package: &Value) -> bool {
    let library = json!("lib");
    list(package, "targets").any(|target| list(target, "kind").any(|kind| *kind == library))
}

fn row(name: &str) -> Option<&'static Row> {
    LAYERS.iter().find(|row| row.name == name)
}

/// The workspace as it stands; `--no-deps` needs neither a network nor a lock file.
fn metadata() -> Value {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(manifest)
        .output()
        .unwrap_or_else(|error| panic!("cargo does not start: {error}"));
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("cargo metadata: {error}"))
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    list(metadata, "packages")
}

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value[field].as_array().unwrap_or_else(|| panic!("cargo metadata has no list `{field}`")).iter()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("cargo metadata has no text `{field}`"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Metadata of a made-up workspace, with the fields that `violations` reads.
fn workspace(packages: &[(&str, &[Value])]) -> Value {
    let packages: Vec<Value> = packages
        .iter()
        .map(|(name, dependencies)| json!({ "name": name, "dependencies": dependencies }))
        .collect();
    json!({ "packages": packages })
}

fn dependency(name: &str) -> Value {
    json!({ "name": name, "kind": null, "optional": false, "path": null, "rename": null })
}

fn optional(name: &str) -> Value {
    let mut dependency = dependency(name);
    dependency["optional"] = json!(true);
    dependency
}

fn of_kind(name: &str, kind: &str) -> Value {
    let mut dependency = dependency(name);
    dependency["kind"] = json!(kind);
    dependency
}

/// A crate's place in the house.
struct Row {
    name: &'static str,
    layer: u8,
    /// It may depend on the layers below this one.
    below: u8,
}

const fn place(name: &'static str, layer: u8, below: u8) -> Row {
    Row { name, layer, below }
}

/// Every crate of the house; examples stand on top.
const LAYERS: &[Row] = &[
    place("civic-types", 0, 0),
    place("civic-shamir", 0, 0),
    place("civic-crypto", 1, 1),
    place("civic-crdt", 2, 1),
    place("civic-store", 2, 2),
    place("civic-transport", 2, 2),
    place("civic-hearts", 3, 3),
    place("civic-identity", 3, 3),
    place("civic-p2p", 3, 3),
    place("civic-sync", 3, 3),
    place("civicbase", 4, 4),
    place("civic-node", 5, 5),
    place("civic-sim", 5, 5),
    place("cable-cut", 6, 6),
];
