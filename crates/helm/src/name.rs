//! `--name-template`: a release name made by a template without data.

use std::rc::Rc;

use gotmpl::{Budget, Limits, Machine, Set, Value};

use crate::engine::{self, Chance, Host, Looked, RenderError};
use crate::version::HelmVersion;

/// The release name that a template makes. Helm's own functions and those that read the environment are not there.
///
/// # Errors
/// Go's text.
pub fn release_name(
    template: &str,
    version: HelmVersion,
    seed: [u8; 32],
    now: i64,
) -> Result<String, RenderError> {
    const NAME: &str = "name-template";
    let profile = version.profile();
    let (parsed, _) = engine::parse(profile, NAME, template).map_err(|error| error.to_string())?;
    let mut set = Set::new();
    parsed.into_iter().for_each(|template| set.add(template));
    let mut host = Host::new(profile, Chance { seed, now }, Rc::new(Looked::default()));
    let budget = Budget::new(Limits::default(), &|| false);
    let mut machine = Machine::new(engine::functions(profile), Rc::new(set), &mut host, &budget);
    let name = machine.execute(NAME, &Value::Nil).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&name).into_owned())
}
