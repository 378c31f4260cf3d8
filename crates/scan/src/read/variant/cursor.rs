//! Reading the bytes of a variant, which may hold anything.

use deltaic_log::{Error, ErrorKind, Result};

/// What is still to be read. Nothing reads beyond the end.
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(super) fn take(&mut self, size: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(size).ok_or_else(|| corrupt("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// A number of `width` bytes, of which there are four at most.
    pub(super) fn number(&mut self, width: usize) -> Result<usize> {
        Ok(little_endian(self.take(width)?))
    }

    /// `count` numbers of `width` bytes each.
    pub(super) fn numbers(&mut self, count: usize, width: usize) -> Result<Numbers<'a>> {
        let size = count.checked_mul(width).ok_or_else(|| corrupt("it counts more than there can be"))?;
        Ok(Numbers { bytes: self.take(size)?, width })
    }
}

/// Numbers of one width, side by side.
#[derive(Clone, Copy)]
pub(super) struct Numbers<'a> {
    bytes: &'a [u8],
    width: usize,
}

impl<'a> Numbers<'a> {
    pub(super) fn iter(self) -> impl Iterator<Item = usize> + 'a {
        self.bytes.chunks_exact(self.width).map(little_endian)
    }

    pub(super) fn get(self, at: usize) -> Option<usize> {
        let start = at.checked_mul(self.width)?;
        Some(little_endian(self.bytes.get(start..)?.get(..self.width)?))
    }

    pub(super) fn last(self) -> Option<usize> {
        self.iter().last()
    }
}

/// The error of a variant that breaks a rule of its encoding or of shredding.
pub(super) fn corrupt(rule: &'static str) -> Error {
    Error::new(
        ErrorKind::CorruptData,
        "the data file holds a damaged variant: restore the file, or remove it from the table",
    )
    .with("variant", rule)
}

fn little_endian(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | usize::from(*byte))
}
