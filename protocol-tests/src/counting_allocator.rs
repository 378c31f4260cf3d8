//! A global allocator that counts: what a test's memory bound is measured with.

#![expect(unsafe_code, reason = "a global allocator is an unsafe trait; every call goes to the system's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The system's allocator, with a count of what is allocated. A request above [`Self::REQUEST_BYTES_MAX`] is refused.
#[derive(Debug)]
pub struct CountingAllocator {
    live: AtomicUsize,
    peak: AtomicUsize,
    largest: AtomicUsize,
}

impl CountingAllocator {
    /// No single request of a reader of small input is this large.
    pub const REQUEST_BYTES_MAX: usize = 4 << 30;

    /// Nothing counted yet.
    #[expect(clippy::new_without_default, reason = "it is made in a static, where `default` cannot be called")]
    pub const fn new() -> Self {
        Self { live: AtomicUsize::new(0), peak: AtomicUsize::new(0), largest: AtomicUsize::new(0) }
    }

    /// Begins a measurement.
    pub fn reset(&self) {
        self.peak.store(self.live.load(Relaxed), Relaxed);
        self.largest.store(0, Relaxed);
    }

    /// How many bytes are allocated now.
    pub fn live_bytes(&self) -> usize {
        self.live.load(Relaxed)
    }

    /// The most bytes that were allocated at once since [`Self::reset`].
    pub fn peak_bytes(&self) -> usize {
        self.peak.load(Relaxed)
    }

    /// The largest single request since [`Self::reset`], refused ones included.
    pub fn largest_bytes(&self) -> usize {
        self.largest.load(Relaxed)
    }

    fn admit(&self, bytes: usize) -> bool {
        self.largest.fetch_max(bytes, Relaxed);
        bytes <= Self::REQUEST_BYTES_MAX
    }

    fn grow(&self, bytes: usize) {
        let live = self.live.fetch_add(bytes, Relaxed) + bytes;
        self.peak.fetch_max(live, Relaxed);
    }
}

// SAFETY: every block comes from `System` and goes back to it with the layout that it came with.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !self.admit(layout.size()) {
            return std::ptr::null_mut();
        }
        self.grow(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !self.admit(layout.size()) {
            return std::ptr::null_mut();
        }
        self.grow(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.live.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !self.admit(size) {
            return std::ptr::null_mut();
        }
        self.live.fetch_sub(layout.size(), Relaxed);
        self.grow(size);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(block, layout, size) }
    }
}
