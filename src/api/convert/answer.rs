//! What is answered.

use std::time::Duration;

use proto::v1::{self, RenderResponse, Timing};

use crate::request::{Answered, Refs, Rendered};

/// The fields of an answer that are not in its shared body.
pub(crate) fn own_fields(rendered: &Rendered) -> RenderResponse {
    let (answered, because) = match &rendered.answered {
        Answered::Cache => (v1::Answered::Cache, None),
        Answered::Reuse => (v1::Answered::Reuse, None),
        Answered::Rendered { because } => (v1::Answered::Rendered, because.clone()),
    };
    RenderResponse {
        revisions: rendered.revisions.clone(),
        answered: answered.into(),
        because: because.unwrap_or_default(),
        timings: rendered.timings.iter().map(timing).collect(),
        ..RenderResponse::default()
    }
}

/// How an answer came about, as a label.
pub(crate) fn answered_name(answered: &Answered) -> &'static str {
    match answered {
        Answered::Cache => "cache",
        Answered::Reuse => "reuse",
        Answered::Rendered { .. } => "rendered",
    }
}

/// Branches and tags; other refs are not the business of a user.
pub(crate) fn refs(refs: &Refs) -> v1::ListRefsResponse {
    v1::ListRefsResponse {
        branches: under(refs, "refs/heads/"),
        tags: under(refs, "refs/tags/"),
        head: refs.head.clone().unwrap_or_default(),
    }
}

fn under(refs: &Refs, prefix: &str) -> Vec<v1::Ref> {
    let named = |(full, commit): (&String, &String)| {
        let name = full.strip_prefix(prefix)?.to_owned();
        Some(v1::Ref { name, commit: commit.clone() })
    };
    refs.commits.iter().filter_map(named).collect()
}

fn timing((stage, time): &(&'static str, Duration)) -> Timing {
    Timing { stage: (*stage).to_owned(), microseconds: u64::try_from(time.as_micros()).unwrap_or(u64::MAX) }
}
