//! From the modules of a crate to the lines of its public items.

use quote::{ToTokens, quote};
use syn::{Fields, ImplItem, Item, ItemImpl, ItemUse, TraitItem, Type, UseTree};

use super::module::{Module, is_public, is_test};
use super::tidy::tidy;

/// A line for each public item of the crate `name`.
pub(super) fn public(name: &str, root: &Module) -> Vec<String> {
    let mut lister = Lister { root, impls: impls(root), lines: Vec::new() };
    lister.module(&[name.to_owned()], &[], root);
    lister.lines
}

struct Lister<'m> {
    root: &'m Module,
    impls: Vec<&'m ItemImpl>,
    lines: Vec<String>,
}

impl<'m> Lister<'m> {
    /// `shown` is the module's public path, `place` its path in the source.
    fn module(&mut self, shown: &[String], place: &[String], module: &'m Module) {
        self.lines.push(format!("mod {}", shown.join("::")));
        for item in &module.items {
            match item {
                Item::Use(found) if is_public(&found.vis) => self.reexport(shown, place, found),
                other if visibility(other).is_some_and(is_public) => self.item(shown, other),
                _ => {}
            }
        }
        for (name, (public, inner)) in &module.modules {
            if *public {
                let with = |path: &[String]| [path, std::slice::from_ref(name)].concat();
                self.module(&with(shown), &with(place), inner);
            }
        }
    }

    /// What `pub use` names: items of this crate are listed where it shows them, those of others as they are named.
    fn reexport(&mut self, shown: &[String], place: &[String], found: &ItemUse) {
        let mut leaves = Vec::new();
        flatten(&found.tree, &mut Vec::new(), &mut leaves);
        for (path, alias) in leaves {
            match self.resolve(place, &path) {
                Some(item) => self.item(shown, item),
                None => self.lines.push(format!("use {}::{alias} = {}", shown.join("::"), path.join("::"))),
            }
        }
    }

    fn resolve(&self, place: &[String], path: &[String]) -> Option<&'m Item> {
        let (name, modules) = path.split_last()?;
        let absolute = match modules.first().map(String::as_str) {
            Some("crate") => modules[1..].to_vec(),
            Some("self") => [place, &modules[1..]].concat(),
            Some("super") => [&place[..place.len().checked_sub(1)?], &modules[1..]].concat(),
            _ => [place, modules].concat(),
        };
        let module = self.root.find(&absolute)?;
        let direct = module.items.iter().find(|item| identifier(item).as_deref() == Some(name));
        direct.or_else(|| self.through(&absolute, module, name))
    }

    /// The item that a module itself only re-exports.
    fn through(&self, place: &[String], module: &'m Module, name: &str) -> Option<&'m Item> {
        module.items.iter().find_map(|item| {
            let Item::Use(found) = item else { return None };
            let mut leaves = Vec::new();
            flatten(&found.tree, &mut Vec::new(), &mut leaves);
            leaves.iter().find(|(_, alias)| alias == name).and_then(|(path, _)| self.resolve(place, path))
        })
    }

    fn item(&mut self, shown: &[String], item: &Item) {
        let path = shown.join("::");
        match item {
            Item::Struct(found) => {
                let (name, generics) = (&found.ident, &found.generics);
                self.line(&format!("struct {path}::{name}"), quote!(#generics));
                self.fields(&format!("{path}::{name}"), &found.fields);
                self.of_type(&path, &name.to_string());
            }
            Item::Enum(found) => {
                let (name, generics) = (&found.ident, &found.generics);
                self.line(&format!("enum {path}::{name}"), quote!(#generics));
                for variant in &found.variants {
                    let mut variant = variant.clone();
                    variant.attrs.clear();
                    variant.fields.iter_mut().for_each(|field| field.attrs.clear());
                    self.line(&format!("variant {path}::{name}::"), quote!(#variant));
                }
                self.of_type(&path, &name.to_string());
            }
            Item::Trait(found) => {
                let (name, generics, supers) = (&found.ident, &found.generics, &found.supertraits);
                self.line(&format!("trait {path}::{name}"), quote!(#generics : #supers));
                for member in &found.items {
                    if let TraitItem::Fn(function) = member {
                        let signature = &function.sig;
                        self.line(&format!("fn {path}::{name}::"), signature_tokens(signature));
                    }
                }
            }
            Item::Fn(found) => self.line(&format!("fn {path}::"), signature_tokens(&found.sig)),
            Item::Const(found) => self.line(&format!("const {path}::{}: ", found.ident), found.ty.to_token_stream()),
            Item::Static(found) => self.line(&format!("static {path}::{}: ", found.ident), found.ty.to_token_stream()),
            Item::Type(found) => {
                let (name, generics, target) = (&found.ident, &found.generics, &found.ty);
                self.line(&format!("type {path}::{name}"), quote!(#generics = #target));
            }
            _ => {}
        }
    }

    fn fields(&mut self, path: &str, fields: &Fields) {
        for (index, field) in fields.iter().enumerate().filter(|(_, field)| is_public(&field.vis)) {
            let name = field.ident.as_ref().map_or_else(|| index.to_string(), ToString::to_string);
            self.line(&format!("field {path}::{name}: "), field.ty.to_token_stream());
        }
    }

    /// The public functions and the traits of a type.
    fn of_type(&mut self, path: &str, name: &str) {
        for block in self.impls.clone().into_iter().filter(|block| self_name(&block.self_ty).as_deref() == Some(name)) {
            if let Some((_, implemented, _)) = &block.trait_ {
                self.line(&format!("impl {path}::{name}: "), implemented.to_token_stream());
                continue;
            }
            for member in &block.items {
                match member {
                    ImplItem::Fn(function) if is_public(&function.vis) => {
                        self.line(&format!("fn {path}::{name}::"), signature_tokens(&function.sig));
                    }
                    ImplItem::Const(found) if is_public(&found.vis) => {
                        self.line(&format!("const {path}::{name}::{}: ", found.ident), found.ty.to_token_stream());
                    }
                    _ => {}
                }
            }
        }
    }

    fn line(&mut self, start: &str, rest: proc_macro2::TokenStream) {
        self.lines.push(format!("{start}{}", tidy(&rest.to_string())));
    }
}

/// `name(arguments) -> result`, `async` and the like in front.
fn signature_tokens(signature: &syn::Signature) -> proc_macro2::TokenStream {
    let (name, generics, inputs, output) =
        (&signature.ident, &signature.generics, &signature.inputs, &signature.output);
    let bounds = &generics.where_clause;
    let asynchronous = signature.asyncness.map(|_| quote!(async));
    quote!(#name #generics (#inputs) #output #bounds #asynchronous)
}

fn impls(root: &Module) -> Vec<&ItemImpl> {
    let items = root.all_items().into_iter();
    items
        .filter_map(|item| if let Item::Impl(block) = item { Some(block) } else { None })
        .filter(|b| !is_test(&b.attrs))
        .collect()
}

fn self_name(of: &Type) -> Option<String> {
    match of {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    }
}

fn visibility(item: &Item) -> Option<&syn::Visibility> {
    match item {
        Item::Struct(found) => Some(&found.vis),
        Item::Enum(found) => Some(&found.vis),
        Item::Trait(found) => Some(&found.vis),
        Item::Fn(found) => Some(&found.vis),
        Item::Const(found) => Some(&found.vis),
        Item::Static(found) => Some(&found.vis),
        Item::Type(found) => Some(&found.vis),
        _ => None,
    }
}

fn identifier(item: &Item) -> Option<String> {
    let name = match item {
        Item::Struct(found) => &found.ident,
        Item::Enum(found) => &found.ident,
        Item::Trait(found) => &found.ident,
        Item::Fn(found) => &found.sig.ident,
        Item::Const(found) => &found.ident,
        Item::Static(found) => &found.ident,
        Item::Type(found) => &found.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Each name that a `use` brings in: its full path, and what it is called.
fn flatten(tree: &UseTree, prefix: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, String)>) {
    let leaf = |name: String, alias: String, prefix: &[String]| ([prefix, &[name]].concat(), alias);
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, leaves);
            prefix.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|item| flatten(item, prefix, leaves)),
        UseTree::Name(name) => leaves.push(leaf(name.ident.to_string(), name.ident.to_string(), prefix)),
        UseTree::Rename(rename) => leaves.push(leaf(rename.ident.to_string(), rename.rename.to_string(), prefix)),
        UseTree::Glob(_) => leaves.push(leaf("*".to_owned(), "*".to_owned(), prefix)),
    }
}
