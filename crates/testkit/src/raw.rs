//! A TCP server that speaks no protocol at all: it hangs, drips or talks garbage.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// What a [`Raw`] server does with each connection.
#[derive(Clone, Debug)]
pub enum Script {
    /// Accepts and says nothing.
    Hang,
    /// Says this and closes.
    Say(Vec<u8>),
    /// Says this one byte per interval, then nothing more.
    Drip(Vec<u8>, Duration),
    /// Says the first once, and the second again and again until the peer closes.
    Endless(Vec<u8>, Vec<u8>),
}

/// A server on loopback that misbehaves; stopped on drop.
pub struct Raw {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    stop: AtomicBool,
    accepted: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
}

impl Raw {
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn start(script: Script) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port of loopback is free");
        let address = listener.local_addr().expect("the listener is bound");
        let state = Arc::new(State::default());
        let accepting = state.clone();
        thread::spawn(move || accept(&listener, &script, &accepting));
        Self { address, state }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections were made so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        // Wakes the accepting thread.
        drop(TcpStream::connect(self.address));
        for stream in self.state.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // The peer may have closed it first.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn accept(listener: &TcpListener, script: &Script, state: &State) {
    for stream in listener.incoming().filter_map(Result::ok) {
        if state.stop.load(Ordering::SeqCst) {
            return;
        }
        state.accepted.fetch_add(1, Ordering::SeqCst);
        if let Ok(clone) = stream.try_clone() {
            state.open.lock().unwrap_or_else(PoisonError::into_inner).push(clone);
        }
        let script = script.clone();
        thread::spawn(move || script.play(stream).ok());
    }
}

impl Script {
    fn play(self, mut stream: TcpStream) -> io::Result<()> {
        match self {
            // The connection stays open through its other handle.
            Self::Hang => Ok(()),
            Self::Say(words) => {
                stream.write_all(&words)?;
                stream.shutdown(Shutdown::Both)
            }
            Self::Drip(words, pause) => words.chunks(1).try_for_each(|byte| {
                thread::sleep(pause);
                stream.write_all(byte)
            }),
            Self::Endless(first, again) => {
                stream.write_all(&first)?;
                loop {
                    stream.write_all(&again)?;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn it_says_what_it_was_told_and_hangs_when_it_was_told_to() {
        let garbage = Raw::start(Script::Say(b"\0\xffgarbage".to_vec()));
        let mut said = Vec::new();
        TcpStream::connect(garbage.address()).unwrap().read_to_end(&mut said).unwrap();
        assert_eq!(said, b"\0\xffgarbage");
        assert_eq!(garbage.connections(), 1);
        let silent = Raw::start(Script::Hang);
        let mut stream = TcpStream::connect(silent.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        assert!(stream.read(&mut [0]).is_err());
    }
}
