//! The modules of a crate, read from its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::{Attribute, Item, Visibility};

use super::parse;
use crate::process::Outcome;

/// A module: its items, and its submodules by name.
pub(super) struct Module {
    pub(super) items: Vec<Item>,
    pub(super) modules: BTreeMap<String, (bool, Module)>,
}

impl Module {
    /// The module that `file` holds, with all below it. Modules for tests are left out.
    pub(super) fn read(file: &Path) -> Outcome<Self> {
        Self::of(parse(file)?.items, &folder_of(file))
    }

    fn of(items: Vec<Item>, folder: &Path) -> Outcome<Self> {
        let mut module = Self { items: Vec::new(), modules: BTreeMap::new() };
        for item in items {
            match item {
                Item::Mod(found) if is_test(&found.attrs) => {}
                Item::Mod(found) => {
                    let name = found.ident.to_string();
                    let inner = match found.content {
                        Some((_, items)) => Self::of(items, &folder.join(&name))?,
                        None => Self::read(&file_of(folder, &name))?,
                    };
                    module.modules.insert(name, (is_public(&found.vis), inner));
                }
                other => module.items.push(other),
            }
        }
        Ok(module)
    }

    /// The submodule at `path`.
    pub(super) fn find(&self, path: &[String]) -> Option<&Module> {
        path.iter().try_fold(self, |module, name| module.modules.get(name).map(|(_, inner)| inner))
    }

    /// Every item of this module and those below it.
    pub(super) fn all_items(&self) -> Vec<&Item> {
        let below = self.modules.values().flat_map(|(_, module)| module.all_items());
        self.items.iter().chain(below).collect()
    }
}

/// Whether everybody may name it.
pub(super) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Whether it is compiled for tests alone.
pub(super) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}

/// Where the submodules of `file` are.
fn folder_of(file: &Path) -> PathBuf {
    let parent = file.parent().unwrap_or(Path::new(""));
    match file.file_stem().and_then(|stem| stem.to_str()) {
        Some("lib" | "mod") | None => parent.to_owned(),
        Some(stem) => parent.join(stem),
    }
}

fn file_of(folder: &Path, name: &str) -> PathBuf {
    let flat = folder.join(format!("{name}.rs"));
    if flat.exists() { flat } else { folder.join(name).join("mod.rs") }
}
