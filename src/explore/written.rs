//! What a value's `Hash` writes, gathered for a hasher whose type is forgotten.

use std::hash::{Hash, Hasher};

/// Bytes gathered between two calls of a hasher that is known by its face alone.
const WRITTEN_MAX: usize = 256;

/// What a `Hash` writes, field by field, handed on many at a time: a call through a face costs as much as hashing some
/// dozen bytes.
pub(super) struct Written<'a> {
    bytes: [u8; WRITTEN_MAX],
    len: usize,
    to: &'a mut dyn Hasher,
}

impl<'a> Written<'a> {
    /// Hands on to `to` what `value` writes.
    pub(super) fn by(value: &impl Hash, to: &'a mut dyn Hasher) {
        let mut written = Written { bytes: [0; WRITTEN_MAX], len: 0, to };
        value.hash(&mut written);
        written.hand_on();
    }

    fn hand_on(&mut self) {
        self.to.write(&self.bytes[..self.len]);
        self.len = 0;
    }
}

impl Hasher for Written<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        if bytes.len() > WRITTEN_MAX - self.len {
            self.hand_on();
            if bytes.len() > WRITTEN_MAX {
                return self.to.write(bytes);
            }
        }
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn finish(&self) -> u64 {
        self.to.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{Hash, Hasher};

    use super::{WRITTEN_MAX, Written};

    /// Keeps what is written.
    #[derive(Default)]
    struct Kept(Vec<u8>);

    impl Hasher for Kept {
        fn write(&mut self, bytes: &[u8]) {
            self.0.extend(bytes);
        }

        fn finish(&self) -> u64 {
            0
        }
    }

    #[test]
    fn a_hasher_is_given_all_that_a_state_writes_in_its_order() {
        for count in [0, 1, WRITTEN_MAX - 9, WRITTEN_MAX - 8, WRITTEN_MAX, 3 * WRITTEN_MAX] {
            let state: (Vec<u8>, u16) = ((0..count).map(|number| number as u8).collect(), 0xABCD);
            let (mut direct, mut handed_on) = (Kept::default(), Kept::default());
            state.hash(&mut direct);
            Written::by(&state, &mut handed_on);
            assert_eq!(direct.0, handed_on.0, "{count}");
        }
    }
}
