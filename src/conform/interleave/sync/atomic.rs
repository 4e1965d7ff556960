//! loom's atomics, whose weak compare-exchange fails as well as not, and which tell when loom has forgotten a value
//! that a thread might have seen.

pub use loom::sync::atomic::fence;
pub use std::sync::atomic::Ordering;

use crate::conform::interleave::chance;

/// An atomic of loom's, by its name and what it holds, with the operations that only some of them have.
macro_rules! atomic {
    ($name:ident, $held:ty, $($operation:ident)*) => {
        #[doc = concat!("loom's `", stringify!($name), "`.")]
        #[derive(Debug)]
        pub struct $name {
            atomic: loom::sync::atomic::$name,
            stores: chance::Stores,
        }

        impl $name {
            /// An atomic that holds `value`.
            #[track_caller]
            pub fn new(value: $held) -> Self {
                $name { atomic: loom::sync::atomic::$name::new(value), stores: chance::Stores::default() }
            }

            /// What it holds, or held before.
            #[track_caller]
            pub fn load(&self, order: Ordering) -> $held {
                self.stores.looked_at();
                self.atomic.load(order)
            }

            /// Makes it hold `value`.
            #[track_caller]
            pub fn store(&self, value: $held, order: Ordering) {
                self.stores.one_more();
                self.atomic.store(value, order);
            }

            /// Makes it hold `value`, and returns what it held.
            #[track_caller]
            pub fn swap(&self, value: $held, order: Ordering) -> $held {
                self.stores.one_more();
                self.atomic.swap(value, order)
            }

            /// Makes it hold `new` if it holds `current`.
            ///
            /// # Errors
            /// What it holds, if that is another value.
            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: $held,
                new: $held,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$held, $held> {
                let exchanged = self.atomic.compare_exchange(current, new, success, failure);
                if exchanged.is_ok() {
                    self.stores.one_more();
                }
                exchanged
            }

            /// As [`compare_exchange`](Self::compare_exchange), but it may fail where that does not: in a pass of its
            /// own the first of each thread does.
            ///
            /// # Errors
            /// What it holds.
            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: $held,
                new: $held,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$held, $held> {
                if chance::weak_fails() {
                    return Err(self.load(failure));
                }
                self.compare_exchange(current, new, success, failure)
            }

            /// Makes it hold what `change` answers of what it holds, unless that is nothing.
            ///
            /// # Errors
            /// What it holds, where `change` answers nothing.
            #[track_caller]
            pub fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                mut change: impl FnMut($held) -> Option<$held>,
            ) -> Result<$held, $held> {
                let mut before = self.load(fetch);
                while let Some(after) = change(before) {
                    match self.compare_exchange_weak(before, after, set, fetch) {
                        Ok(held) => return Ok(held),
                        Err(held) => before = held,
                    }
                }
                Err(before)
            }

            /// What it holds, which nobody else can reach.
            #[track_caller]
            pub fn into_inner(self) -> $held {
                self.atomic.into_inner()
            }

            $(
                #[doc = concat!("`", stringify!($operation), "` of the standard library: returns what it held.")]
                #[track_caller]
                pub fn $operation(&self, value: $held, order: Ordering) -> $held {
                    self.stores.one_more();
                    self.atomic.$operation(value, order)
                }
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                $name::new(<$held>::default())
            }
        }

        impl From<$held> for $name {
            fn from(value: $held) -> Self {
                $name::new(value)
            }
        }
    };
}

atomic!(AtomicBool, bool, fetch_and fetch_nand fetch_or fetch_xor);
atomic!(AtomicI8, i8, fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
atomic!(AtomicI16, i16, fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
atomic!(AtomicI32, i32, fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
atomic!(AtomicI64, i64, fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
atomic!(AtomicIsize, isize, fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
atomic!(AtomicU8, u8, fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
atomic!(AtomicU16, u16, fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
atomic!(AtomicU32, u32, fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
atomic!(AtomicU64, u64, fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
atomic!(AtomicUsize, usize, fetch_add fetch_sub fetch_and fetch_nand fetch_or fetch_xor fetch_max fetch_min);
