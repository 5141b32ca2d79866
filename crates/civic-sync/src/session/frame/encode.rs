use bytes::Bytes;
use civic_types::cbor::Encoder;

use super::{Frame, PROTOCOL, Wanted};

impl Frame {
    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = Encoder::new();
        self.encode_into(&mut out);
        Bytes::from(out.into_bytes())
    }

    fn encode_into(&self, out: &mut Encoder) {
        match self {
            Self::Proof(proofs) => {
                out.array(3).uint(0).uint(PROTOCOL).array(proofs.len());
                for proof in proofs {
                    out.bytes(proof);
                }
            }
            Self::Nudge { token } => {
                out.array(2).uint(1).uint(*token);
            }
            Self::Hello { round, token, summary } => {
                out.array(4).uint(2).uint(*round).uint(*token).bytes(summary);
            }
            Self::Scopes { round, scopes, definitions, wanted } => {
                out.array(5).uint(3).uint(*round).array(scopes.len());
                scopes.iter().for_each(|scope| scope.encode_into(out));
                encode_definitions(out, definitions);
                out.array(wanted.len());
                for id in wanted {
                    out.bytes(id.as_bytes());
                }
            }
            Self::Modes { round, modes, definitions } => {
                out.array(4).uint(4).uint(*round).array(modes.len());
                for (scope, mode) in modes {
                    out.array(2).uint(*scope).uint(mode.code());
                }
                encode_definitions(out, definitions);
            }
            Self::Done { round, scopes } => {
                out.array(3).uint(11).uint(*round).array(scopes.len());
                for (scope, fingerprint, cursor) in scopes {
                    out.array(3).uint(*scope).bytes(fingerprint);
                    cursor.encode_into(out);
                }
            }
            Self::Abort { round } => {
                out.array(2).uint(12).uint(*round);
            }
            Self::WantBlock { collection, block, offset } => {
                out.array(4).uint(13).bytes(collection.as_bytes()).link(block).uint(*offset);
            }
            Self::Block { collection, block, offset, total, bytes } => {
                out.array(6).uint(14).bytes(collection.as_bytes()).link(block).uint(*offset);
                out.uint(*total).bytes(bytes);
            }
            scoped => scoped.encode_scoped(out),
        }
    }

    /// Frames about one scope of a round.
    fn encode_scoped(&self, out: &mut Encoder) {
        match self {
            Self::List { round, scope, ids, last } => {
                out.array(5).uint(5).uint(*round).uint(*scope).bytes(ids).bool(*last);
            }
            Self::Symbols { round, scope, start, symbols } => {
                out.array(5).uint(6).uint(*round).uint(*scope).uint(*start).bytes(symbols);
            }
            Self::More { round, scope, count } => {
                out.array(4).uint(7).uint(*round).uint(*scope).uint(*count);
            }
            Self::Want { round, scope, wanted } => {
                out.array(5).uint(8).uint(*round).uint(*scope);
                match wanted {
                    Wanted::Bits(bits) => out.bool(true).bytes(bits),
                    Wanted::Ids(ids) => out.bool(false).bytes(ids),
                };
            }
            Self::Data { round, scope, pack, last } => {
                out.array(5).uint(9).uint(*round).uint(*scope);
                match pack {
                    Some(pack) => out.bytes(pack),
                    None => out.null(),
                };
                out.bool(*last);
            }
            Self::Ack { round, scope } => {
                out.array(3).uint(10).uint(*round).uint(*scope);
            }
            Self::Heads { round, scope, ids } => {
                out.array(4).uint(15).uint(*round).uint(*scope).bytes(ids);
            }
            Self::Logs { round, scope, wanted, logs } => {
                out.array(5).uint(16).uint(*round).uint(*scope).bytes(wanted).array(logs.len());
                logs.iter().for_each(|log| log.encode_into(out));
            }
            _ => {}
        }
    }
}

fn encode_definitions(out: &mut Encoder, definitions: &[Bytes]) {
    out.array(definitions.len());
    for definition in definitions {
        out.bytes(definition);
    }
}
