//! Several streams at once, and their items in order.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use futures::stream::{BoxStream, StreamExt};

/// The items of many streams, one stream behind the other, while up to `width` of them are under way: each works ahead of
/// its turn by one item. Spawns nothing: whoever polls it drives them all.
pub(crate) struct SideBySide<I, T> {
    streams: I,
    width: usize,
    running: VecDeque<Ahead<T>>,
}

/// A stream, and the item that it is ahead by.
struct Ahead<T> {
    stream: BoxStream<'static, T>,
    item: Option<T>,
    ended: bool,
}

impl<T, I: Iterator<Item = BoxStream<'static, T>>> SideBySide<I, T> {
    pub(crate) fn new(streams: I, width: usize) -> Self {
        Self { streams, width: width.max(1), running: VecDeque::new() }
    }
}

impl<T> Ahead<T> {
    fn work(&mut self, context: &mut Context<'_>) {
        if self.item.is_some() || self.ended {
            return;
        }
        if let Poll::Ready(next) = self.stream.poll_next_unpin(context) {
            self.ended = next.is_none();
            self.item = next;
        }
    }
}

impl<T: Unpin, I: Iterator<Item = BoxStream<'static, T>> + Unpin> Stream for SideBySide<I, T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        loop {
            let free = this.width.saturating_sub(this.running.len());
            let started = this.streams.by_ref().take(free);
            this.running.extend(started.map(|stream| Ahead { stream, item: None, ended: false }));
            this.running.iter_mut().for_each(|ahead| ahead.work(context));
            let Some(first) = this.running.front_mut() else { return Poll::Ready(None) };
            if let Some(item) = first.item.take() {
                // It goes on at once, not only when somebody asks again.
                first.work(context);
                return Poll::Ready(Some(item));
            }
            if !first.ended {
                return Poll::Pending;
            }
            this.running.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::channel::mpsc;
    use futures::executor::block_on;
    use futures::stream;

    #[test]
    fn items_come_in_order_whatever_the_width() {
        for width in [0, 1, 2, 7] {
            let streams = [0..3, 3..3, 3..4, 4..9].into_iter().map(|numbers| stream::iter(numbers).boxed());
            let items: Vec<i32> = block_on(SideBySide::new(streams, width).collect());
            assert_eq!(items, (0..9).collect::<Vec<_>>(), "width {width}");
        }
    }

    #[test]
    fn later_streams_work_ahead_by_one_item_each() {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| mpsc::channel::<u8>(0)).unzip();
        let mut side_by_side = SideBySide::new(receivers.into_iter().map(StreamExt::boxed), 2);
        let mut context = Context::from_waker(futures::task::noop_waker_ref());
        let [mut first, mut second, mut third]: [_; 3] = senders.try_into().expect("three");
        second.try_send(2).unwrap();
        assert!(side_by_side.poll_next_unpin(&mut context).is_pending(), "the first has nothing yet");
        assert!(second.try_send(3).is_ok(), "its item was taken ahead of its turn");
        third.try_send(4).unwrap();
        first.try_send(1).unwrap();
        assert_eq!(side_by_side.poll_next_unpin(&mut context), Poll::Ready(Some(1)));
        drop((first, second, third));
        assert_eq!(block_on(side_by_side.collect::<Vec<_>>()), [2, 3, 4]);
    }
}
