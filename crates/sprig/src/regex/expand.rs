//! Replacement texts with `$1`, `$name` and `${name}` (Go's `Regexp.Expand`).

use gotmpl::{Budget, TextBuffer};

use super::pattern::{Groups, Pattern};
use crate::args::Result;

/// What a piece takes: a text of its own, or the numbers of groups.
const PIECE_BYTES: usize = 192;

/// A piece of a replacement.
pub(super) enum Piece {
    Text(Vec<u8>),
    /// The text of the first of these groups that took part in the match.
    Groups(Vec<usize>),
}

/// Takes a replacement apart. A name is as long as it can be: `$1W` is the group `1W`.
///
/// # Errors
/// The budget is used up.
pub(super) fn parse(budget: &Budget<'_>, template: &[u8], pattern: &Pattern) -> Result<Vec<Piece>> {
    let dollars = memchr::memchr_iter(b'$', template).count();
    budget.spend_text(template.len())?;
    budget.spend((dollars + 1) * (PIECE_BYTES + 8 * pattern.names.len()))?;
    budget.work((dollars * (1 + pattern.names.len() / 16)) as u64)?;
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        pieces.push(Piece::Text(rest[..at].to_vec()));
        let behind = &rest[at + 1..];
        rest = match (behind.first(), name(behind)) {
            (Some(b'$'), _) => {
                pieces.push(Piece::Text(b"$".to_vec()));
                &behind[1..]
            }
            (_, Some((name, behind))) => {
                pieces.push(Piece::Groups(groups(&name, pattern)));
                behind
            }
            // Malformed: the dollar stands for itself.
            (_, None) => {
                pieces.push(Piece::Text(b"$".to_vec()));
                behind
            }
        };
    }
    pieces.push(Piece::Text(rest.to_vec()));
    Ok(pieces)
}

/// How many bytes of a name are looked at.
const MAX_NAME: usize = 64 << 10;

/// A name, in braces or not, and what is behind it.
fn name(text: &[u8]) -> Option<(String, &[u8])> {
    let (inner, braced) = match text.strip_prefix(b"{") {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    // A name is no longer than the longest pattern, and looking at more of the rest for each dollar would add up.
    let near = &inner[..inner.len().min(MAX_NAME)];
    let valid = near.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let end = valid.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(valid.len());
    if end == 0 {
        return None;
    }
    let rest = &inner[end..];
    let rest = if braced { rest.strip_prefix(b"}")? } else { rest };
    Some((valid[..end].to_owned(), rest))
}

fn groups(name: &str, pattern: &Pattern) -> Vec<usize> {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && (name == "0" || !name.starts_with('0')) {
        let number = name.parse().ok().filter(|number| *number < pattern.names.len());
        return number.into_iter().collect();
    }
    let named = pattern.names.iter().enumerate().filter(|(_, known)| *known == name);
    named.map(|(index, _)| index).collect()
}

/// Writes the replacement of one match.
pub(super) fn fill(pieces: &[Piece], groups: &Groups<'_>, out: &mut TextBuffer<'_>) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.put(text),
            Piece::Groups(indexes) => {
                out.put(indexes.iter().find_map(|index| groups.text(*index)).unwrap_or_default());
            }
        }
        if out.is_spent() {
            return;
        }
    }
}
