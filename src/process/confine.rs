//! What a program can reach of the machine, as far as the kernel can hold it to that (Landlock, Linux 5.13 and later;
//! the network from 6.7 on). A kernel that cannot does without: this is the second wall, not the first.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, Scope, path_beneath_rules,
};

/// The newest set of rights known here; an older kernel keeps those it knows.
pub(super) const RIGHTS: ABI = ABI::V6;

/// Where systems keep programs and their libraries. Nothing secret is there.
const SYSTEM: [&str; 9] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt", "/nix", "/etc/ld.so.cache", "/etc/localtime"];

/// Devices that programs expect to read and write.
const DEVICES: [&str; 3] = ["/dev/null", "/dev/zero", "/dev/urandom"];

/// Whether this kernel holds programs to that at all.
#[must_use]
pub fn confines() -> bool {
    let strict = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    strict.handle_access(AccessFs::from_all(ABI::V1)).and_then(Ruleset::create).is_ok()
}

/// From here on this process reaches its room, the system's programs and nothing else, and so does what it becomes.
pub(super) fn confine(room: &Path, program: &Path) -> Result<(), String> {
    rules(room, program).map_err(|error| format!("cannot confine itself: {error}"))
}

fn rules(room: &Path, program: &Path) -> Result<(), RulesetError> {
    let everything = AccessFs::from_all(RIGHTS);
    let reading = AccessFs::from_read(RIGHTS);
    Ruleset::default()
        .handle_access(everything)?
        .handle_access(AccessNet::from_all(RIGHTS))?
        .scope(Scope::from_all(RIGHTS))?
        .create()?
        .add_rules(path_beneath_rules([room], everything))?
        .add_rules(path_beneath_rules(SYSTEM, reading))?
        .add_rules(path_beneath_rules(DEVICES, AccessFs::from_file(RIGHTS)))?
        .add_rules(path_beneath_rules(own(program), reading))?
        .restrict_self()?;
    Ok(())
}

/// The program itself, where it is and where it really is.
fn own(program: &Path) -> Vec<PathBuf> {
    std::iter::once(program.to_owned()).chain(program.canonicalize()).collect()
}
