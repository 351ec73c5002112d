//! Every attack of `bench siege` for a moment: the server's process stays the same, its memory within its budget, and
//! somebody else is answered meanwhile. How fast is for the benchmark to say.

use super::service::command;

/// Beginnings of the names of attacks, those of one test together.
const GROUPS: [&[&str]; 6] = [
    &["wire-", "unauthorised-"],
    &["idle-", "half-", "headers-", "announced-"],
    &["rapid-", "continuation-", "settings-", "ping-", "window-", "empty-"],
    &["yaml-", "values-", "template-", "jsonnet-"],
    &["helm-"],
    &["kustomize-"],
];

fn siege(names: &[&str]) {
    if testkit::Program::Git.find("the siege's repositories").is_none() {
        return;
    }
    let mut siege = command(None);
    siege.args(["bench", "siege", "--seconds=2", "--no-latency"]);
    siege.args(names.iter().map(|name| format!("--only={name}")));
    let output = siege.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
}

#[test]
fn requests_that_grow() {
    siege(GROUPS[0]);
}

#[test]
fn connections_that_do_nothing() {
    siege(GROUPS[1]);
}

#[test]
fn frames_that_mean_nothing() {
    siege(GROUPS[2]);
}

#[test]
fn files_and_programs_that_grow() {
    siege(GROUPS[3]);
}

#[test]
fn charts_that_grow() {
    siege(GROUPS[4]);
}

#[test]
fn kustomizations_that_grow() {
    siege(GROUPS[5]);
}

#[test]
fn every_attack_is_in_a_test() {
    let output = command(None).args(["bench", "siege", "--list"]).output().unwrap();
    let names = String::from_utf8(output.stdout).unwrap();
    assert!(names.lines().count() > 40, "{names}");
    for name in names.lines() {
        let groups = GROUPS.iter().filter(|group| group.iter().any(|start| name.starts_with(start)));
        assert_eq!(groups.count(), 1, "{name}");
    }
}
