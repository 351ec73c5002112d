//! Replacement texts with `$1`, `$name` and `${name}` (Go's `Regexp.Expand`).

use regex_automata::util::captures::Captures;

use gotmpl::Machine;

use super::pattern::Pattern;
use crate::args::Result;

/// A piece of a replacement.
pub(super) enum Piece {
    Text(Vec<u8>),
    /// The text of the first of these groups that took part in the match.
    Groups(Vec<usize>),
}

/// Takes a replacement apart. A name is as long as it can be: `$1W` is the group `1W`.
pub(super) fn parse(template: &[u8], pattern: &Pattern) -> Vec<Piece> {
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
    pieces
}

/// A name, in braces or not, and what is behind it.
fn name(text: &[u8]) -> Option<(String, &[u8])> {
    let (inner, braced) = match text.strip_prefix(b"{") {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let valid = inner.utf8_chunks().next().map_or("", |chunk| chunk.valid());
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
pub(super) fn fill(
    machine: &mut Machine<'_>,
    pieces: &[Piece],
    matched: (&[u8], &Captures),
    out: &mut Vec<u8>,
) -> Result<()> {
    let (text, groups) = matched;
    for piece in pieces {
        let text = match piece {
            Piece::Text(text) => text,
            Piece::Groups(indexes) => {
                let found = indexes.iter().find_map(|index| groups.get_group(*index));
                found.map_or(&[][..], |span| &text[span.range()])
            }
        };
        machine.spend(text.len())?;
        out.extend_from_slice(text);
    }
    Ok(())
}
