//! What the functions of one run share: recursion counts, chance and clock, what was looked at.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use gotmpl::{CallError, Function, Str, Value};
use sha2::{Digest, Sha256};

use super::{files, objects};
use crate::version::Profile;

/// Where random bytes and the time come from. Asking is noted: such a result is not determined by its inputs.
pub(crate) struct Chance {
    /// The seed of the random bytes.
    pub(crate) seed: [u8; 32],
    /// Seconds since 1970 that `now` gives.
    pub(crate) now: i64,
}

/// What the functions of one run share.
pub(crate) struct Host {
    pub(crate) profile: &'static Profile,
    /// How often each name is being included right now.
    pub(crate) including: HashMap<Str, usize>,
    /// How many calls of `tpl` are inside one another right now.
    pub(crate) nested_texts: usize,
    pub(crate) chance: Chance,
    /// How many random blocks were taken.
    pub(crate) drawn: u64,
    /// Functions of chance or time that were called.
    pub(crate) chances_used: Vec<&'static str>,
    /// What was looked at of the cluster.
    pub(crate) looked: Rc<Looked>,
}

/// Which parts of `.Capabilities` and `.Release` a run looked at.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// `.Capabilities.KubeVersion`
    pub(crate) kube_version: Cell<bool>,
    /// The whole list of API versions.
    pub(crate) all_api_versions: Cell<bool>,
    /// The API versions that `Has` was asked about.
    pub(crate) api_versions: std::cell::RefCell<std::collections::BTreeSet<String>>,
}

impl Host {
    pub(crate) fn new(profile: &'static Profile, chance: Chance, looked: Rc<Looked>) -> Self {
        Self {
            profile,
            including: HashMap::new(),
            nested_texts: 0,
            chance,
            drawn: 0,
            chances_used: Vec::new(),
            looked,
        }
    }

    /// The next bytes of the stream that the seed makes.
    fn fill(&mut self, bytes: &mut [u8]) {
        for block in bytes.chunks_mut(32) {
            let digest = Sha256::new()
                .chain_update(self.chance.seed)
                .chain_update(self.drawn.to_le_bytes())
                .finalize();
            block.copy_from_slice(&digest[..block.len()]);
            self.drawn += 1;
        }
    }

    /// Notes that `function` depends on chance or time.
    pub(crate) fn note_chance(&mut self, function: &'static str) {
        if !self.chances_used.contains(&function) {
            self.chances_used.push(function);
        }
    }
}

impl gotmpl::Host for Host {
    fn method(&self, receiver: &Value, name: &str) -> Option<&'static Function> {
        files::method(receiver, name)
            .or_else(|| objects::method(receiver, name))
            .or_else(|| sprig::method(receiver, name))
    }

    fn random(&mut self, function: &'static str, bytes: &mut [u8]) -> Result<(), CallError> {
        self.note_chance(function);
        self.fill(bytes);
        Ok(())
    }

    fn now(&mut self, function: &'static str) -> Result<i64, CallError> {
        self.note_chance(function);
        Ok(self.chance.now)
    }

    fn as_any(&mut self) -> &mut dyn std::any::Any {
        self
    }
}
