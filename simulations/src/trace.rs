//! What happened, as one hash: two runs of one seed must have the same. With a listener, every step
//! is told in a line.

/// Hears every step, in a line.
pub type Listener = Box<dyn FnMut(&str)>;

/// Takes in all that happens, in its order.
pub struct Trace {
    hasher: blake3::Hasher,
    steps: u64,
    listener: Option<Listener>,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            hasher: blake3::Hasher::new_derive_key("spean simulation trace v1"),
            steps: 0,
            listener: None,
        }
    }
}

impl Trace {
    /// Tells every step to somebody from now on.
    pub fn listen(&mut self, listener: Listener) {
        self.listener = Some(listener);
    }

    /// Something happened.
    pub fn note(&mut self, what: &str, numbers: &[u64]) {
        self.hasher.update(what.as_bytes());
        for number in numbers {
            self.hasher.update(&number.to_le_bytes());
        }
        self.steps += 1;
    }

    /// The same, with bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    /// Tells something to the listener, if there is one.
    pub fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(listener) = &mut self.listener {
            listener(&line());
        }
    }

    /// How many things happened.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// The hash so far: 16 hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> String {
        self.hasher.finalize().to_hex()[..16].to_owned()
    }
}
