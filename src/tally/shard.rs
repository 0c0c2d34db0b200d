//! A part of a table: a hash table whose entries are also a list, from the one that was used last to the one that was
//! idle for longest.

use super::key::KeyHash;
use super::state::State;

/// So many entries and no more.
pub(super) struct Shard<S> {
    most: u32,
    entries: Vec<Entry<S>>,
    /// The first entry of each chain. As many as a power of two.
    buckets: Vec<u32>,
    newest: u32,
    oldest: u32,
}

struct Entry<S> {
    key: KeyHash,
    state: S,
    /// The next one in its chain.
    next: u32,
    newer: u32,
    older: u32,
}

/// What became of the key that had to go for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evicted {
    /// None had to.
    None,
    /// Its state said nothing any more.
    Idle,
    /// Its state is lost.
    Live,
}

/// No entry.
const NONE: u32 = u32::MAX;

/// Chains of a shard with few entries.
const FEW: usize = 16;

/// Entries that are looked at for one that may go. Those that are held are many only where most of all are.
const LOOKED_AT: usize = 16;

impl<S: State> Shard<S> {
    /// At most `most` entries; none is there yet, and no memory.
    pub(super) fn new(most: u32) -> Self {
        Self {
            most: most.clamp(1, NONE - 1),
            entries: Vec::new(),
            buckets: Vec::new(),
            newest: NONE,
            oldest: NONE,
        }
    }

    /// The state of a key that is here, which is the newest now.
    pub(super) fn find(&mut self, key: KeyHash) -> Option<&mut S> {
        let index = self.index(key)?;
        self.renew(index);
        self.state(index)
    }

    /// A state for a key that is not here; `None`: every entry that was looked at is held.
    pub(super) fn insert(&mut self, key: KeyHash, now: u64) -> Option<(&mut S, Evicted)> {
        let (index, evicted) = match self.entries.len() < self.most as usize {
            true => (self.append(key), Evicted::None),
            false => self.replace(key, now)?,
        };
        let bucket = self.bucket(key);
        self.entries[index as usize].next = std::mem::replace(&mut self.buckets[bucket], index);
        self.push(index);
        Some((self.state(index)?, evicted))
    }

    /// Entries that are there.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes that they take.
    pub(super) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry<S>>() + self.buckets.capacity() * size_of::<u32>()
    }

    /// A new entry at the end.
    fn append(&mut self, key: KeyHash) -> u32 {
        if self.entries.len() >= self.buckets.len() {
            self.spread((self.entries.len() * 2).max(FEW));
        }
        let index = self.entries.len() as u32;
        self.entries.push(Entry {
            key,
            state: S::default(),
            next: NONE,
            newer: NONE,
            older: NONE,
        });
        index
    }

    /// The entry that was idle for longest and is not held, for another key.
    fn replace(&mut self, key: KeyHash, now: u64) -> Option<(u32, Evicted)> {
        let mut index = self.oldest;
        for _ in 0..LOOKED_AT {
            let entry = self.entries.get(index as usize)?;
            if !entry.state.is_held() {
                break;
            }
            index = entry.newer;
        }
        let entry = self.entries.get(index as usize)?;
        let evicted = match (entry.state.is_held(), entry.state.is_idle(now)) {
            (true, _) => return None,
            (false, true) => Evicted::Idle,
            (false, false) => Evicted::Live,
        };
        self.unlink(index);
        self.unchain(index);
        let entry = &mut self.entries[index as usize];
        (entry.key, entry.state) = (key, S::default());
        Some((index, evicted))
    }

    fn index(&self, key: KeyHash) -> Option<u32> {
        let mut index = match self.buckets.is_empty() {
            true => NONE,
            false => self.buckets[self.bucket(key)],
        };
        while let Some(entry) = self.entries.get(index as usize) {
            if entry.key == key {
                return Some(index);
            }
            index = entry.next;
        }
        None
    }

    fn state(&mut self, index: u32) -> Option<&mut S> {
        self.entries.get_mut(index as usize).map(|entry| &mut entry.state)
    }

    fn bucket(&self, key: KeyHash) -> usize {
        // The table has used the upper bits.
        key.place as usize & (self.buckets.len() - 1)
    }

    /// Makes at least so many chains.
    fn spread(&mut self, chains: usize) {
        self.buckets = vec![NONE; chains.next_power_of_two()];
        for index in 0..self.entries.len() {
            let bucket = self.bucket(self.entries[index].key);
            self.entries[index].next = std::mem::replace(&mut self.buckets[bucket], index as u32);
        }
    }

    /// Takes an entry out of its chain.
    fn unchain(&mut self, index: u32) {
        let (key, next) = (
            self.entries[index as usize].key,
            self.entries[index as usize].next,
        );
        let bucket = self.bucket(key);
        let mut at = self.buckets[bucket];
        if at == index {
            self.buckets[bucket] = next;
            return;
        }
        while let Some(entry) = self.entries.get_mut(at as usize) {
            if entry.next == index {
                entry.next = next;
                return;
            }
            at = entry.next;
        }
    }

    /// Makes an entry the newest.
    fn renew(&mut self, index: u32) {
        if self.newest != index {
            self.unlink(index);
            self.push(index);
        }
    }

    fn push(&mut self, index: u32) {
        let before = std::mem::replace(&mut self.newest, index);
        let entry = &mut self.entries[index as usize];
        (entry.newer, entry.older) = (NONE, before);
        match self.entries.get_mut(before as usize) {
            Some(before) => before.newer = index,
            None => self.oldest = index,
        }
    }

    fn unlink(&mut self, index: u32) {
        let Entry { newer, older, .. } = self.entries[index as usize];
        match self.entries.get_mut(newer as usize) {
            Some(newer) => newer.older = older,
            None => self.newest = older,
        }
        match self.entries.get_mut(older as usize) {
            Some(older) => older.newer = newer,
            None => self.oldest = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    #[derive(Default)]
    struct Number(u64);

    /// Idle at zero, held at one.
    impl State for Number {
        fn is_idle(&self, _now: u64) -> bool {
            self.0 == 0
        }

        fn is_held(&self) -> bool {
            self.0 == 1
        }
    }

    fn key(number: u64) -> KeyHash {
        KeyHash {
            place: number % 5,
            check: number,
        }
    }

    #[test]
    fn it_is_a_list_of_the_keys_used_last() {
        let mut shard: Shard<Number> = Shard::new(8);
        // Newest first.
        let mut model: VecDeque<u64> = VecDeque::new();
        let mut random = 7_u64;
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = (random >> 33) % 16 + 2;
            let known = model.iter().position(|known| *known == number);
            match shard.find(key(number)) {
                Some(state) => assert_eq!(state.0, number),
                None => {
                    assert_eq!(known, None);
                    let (state, evicted) = shard.insert(key(number), 0).unwrap();
                    state.0 = number;
                    assert_eq!(evicted == Evicted::Live, model.len() == 8);
                }
            }
            known.and_then(|at| model.remove(at));
            model.push_front(number);
            model.truncate(8);
            assert_eq!(shard.len(), model.len());
        }
    }

    #[test]
    fn what_is_held_stays() {
        let mut shard: Shard<Number> = Shard::new(3);
        for number in 0..3 {
            shard.insert(key(number), 0).unwrap().0.0 = 1;
        }
        assert!(shard.insert(key(3), 0).is_none());
        shard.find(key(1)).unwrap().0 = 0;
        assert_eq!(shard.insert(key(3), 0).unwrap().1, Evicted::Idle);
        assert!(shard.find(key(0)).is_some() && shard.find(key(1)).is_none());
    }
}
