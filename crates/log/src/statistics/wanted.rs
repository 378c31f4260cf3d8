//! Which values are wanted of a text, and where they were found.

use crate::schema::ColumnPath;
use memchr::memmem::Finder;
use std::cmp::Ordering;
use std::ops::Range;

/// The per-column statistics, each an object that mirrors the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Min,
    Max,
    NullCount,
}

/// The wanted columns as a tree of names. Node 0 is the root.
#[derive(Debug)]
pub(super) struct Wanted {
    nodes: Vec<Node>,
    column_count: usize,
}

#[derive(Debug, Default)]
struct Node {
    /// Searches for the children's names.
    finders: Vec<Finder<'static>>,
    /// In the order of their names' abstracts, then bytes: most lookups end at one comparison of integers.
    children: Vec<(Abstract, Box<[u8]>, usize)>,
    column: Option<usize>,
}

/// The length of a name, and its first eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Abstract {
    length: usize,
    head: u64,
}

impl Abstract {
    /// The abstract of a name within a text, which lends the eight bytes to load where the name has fewer.
    #[inline]
    fn of(text: &[u8], name: Range<usize>) -> Self {
        let length = name.len();
        let word = match text[name.start..].first_chunk::<8>() {
            Some(word) => u64::from_le_bytes(*word),
            None => {
                let mut word = [0; 8];
                word[..length].copy_from_slice(&text[name]);
                u64::from_le_bytes(word)
            }
        };
        let mask = if length < 8 { (1 << (8 * length)) - 1 } else { u64::MAX };
        Self { length, head: word & mask }
    }

    /// Whether names of one abstract may still differ.
    fn is_partial(self) -> bool {
        self.length > 8
    }
}

impl Wanted {
    pub(super) const ROOT: usize = 0;

    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::default()], column_count: 0 }
    }

    /// Adds a column, and gives its number: that of its first addition, if it was there.
    pub(super) fn insert(&mut self, path: &ColumnPath) -> usize {
        let leaf = path.names().iter().fold(Self::ROOT, |node, name| self.child_or_insert(node, name.as_bytes()));
        *self.nodes[leaf].column.get_or_insert_with(|| {
            self.column_count += 1;
            self.column_count - 1
        })
    }

    /// The node of the child whose name stands at this place of a text, if something in it is wanted.
    #[inline]
    pub(super) fn child(&self, node: usize, text: &[u8], name: Range<usize>) -> Option<usize> {
        let children = &self.nodes[node].children;
        let (abstract_, name) = (Abstract::of(text, name.clone()), &text[name]);
        let order = |(other, other_name, _): &(Abstract, Box<[u8]>, usize)| match other.cmp(&abstract_) {
            Ordering::Equal if abstract_.is_partial() => other_name.as_ref().cmp(name),
            order => order,
        };
        children.binary_search_by(order).ok().map(|place| children[place].2)
    }

    /// How many children a node has.
    #[inline]
    pub(super) fn children(&self, node: usize) -> usize {
        self.nodes[node].children.len()
    }

    /// Whether the name of a child stands anywhere in a text: as a key, it may be, or as a part of something else.
    #[inline]
    pub(super) fn may_name_child(&self, node: usize, text: &[u8]) -> bool {
        self.nodes[node].finders.iter().any(|finder| finder.find(text).is_some())
    }

    /// The column that this node is, if it is one.
    #[inline]
    pub(super) fn column(&self, node: usize) -> Option<usize> {
        self.nodes[node].column
    }

    fn child_or_insert(&mut self, node: usize, name: &[u8]) -> usize {
        if let Some(child) = self.child(node, name, 0..name.len()) {
            return child;
        }
        let abstract_ = Abstract::of(name, 0..name.len());
        let child = self.nodes.len();
        self.nodes.push(Node::default());
        let children = &mut self.nodes[node].children;
        let place =
            children.partition_point(|(other, other_name, _)| (other, other_name.as_ref()) < (&abstract_, name));
        children.insert(place, (abstract_, name.into(), child));
        self.nodes[node].finders.push(Finder::new(name).into_owned());
        child
    }
}

/// A value without parts, as a range of the text that was read: between the quotes, if it has some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) range: Range<usize>,
    pub(super) quoted: bool,
}

/// What one text was found to hold. Reused from text to text: an epoch tells what is stale.
#[derive(Debug)]
pub(super) struct Found {
    epoch: u64,
    node_count: usize,
    column_count: usize,
    /// By section and node: the epoch that visited it last.
    visited: Vec<u64>,
    /// By section and column: the value and its epoch.
    tokens: Vec<(u64, Token)>,
    pub(super) num_records: Option<Token>,
    pub(super) tight_bounds: Option<Token>,
}

/// A key stood in the text twice: which of its values counts is anybody's guess.
#[derive(Debug)]
pub(super) struct Ambiguous;

impl Found {
    pub(super) fn new(wanted: &Wanted) -> Self {
        let (node_count, column_count) = (wanted.nodes.len(), wanted.column_count);
        let nothing = (0, Token { range: 0..0, quoted: false });
        Self {
            epoch: 0,
            node_count,
            column_count,
            visited: vec![0; 3 * node_count],
            tokens: vec![nothing; 3 * column_count],
            num_records: None,
            tight_bounds: None,
        }
    }

    /// Forgets the text before.
    pub(super) fn clear(&mut self) {
        self.epoch += 1;
        self.num_records = None;
        self.tight_bounds = None;
    }

    /// Notes that a node is read now.
    #[inline]
    pub(super) fn visit(&mut self, section: Section, node: usize) -> Result<(), Ambiguous> {
        let visited = &mut self.visited[section as usize * self.node_count + node];
        match std::mem::replace(visited, self.epoch) == self.epoch {
            true => Err(Ambiguous),
            false => Ok(()),
        }
    }

    /// Keeps a column's value.
    #[inline]
    pub(super) fn put(&mut self, section: Section, column: usize, token: Token) {
        self.tokens[section as usize * self.column_count + column] = (self.epoch, token);
    }

    /// The column's value, if the text has one.
    #[inline]
    pub(super) fn token(&self, section: Section, column: usize) -> Option<&Token> {
        let (epoch, token) = &self.tokens[section as usize * self.column_count + column];
        (*epoch == self.epoch).then_some(token)
    }
}
