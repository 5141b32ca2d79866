use std::fmt::Write;

use data_encoding::BASE64_NOPAD;

use super::Value;

impl Value {
    /// The value as DAG-JSON, for people and for programs that read JSON: one text for each value.
    ///
    /// Keys ascend by their bytes, there is no white space, a link is `{"/": CID}`, bytes are
    /// `{"/": {"bytes": …}}` in base64 without padding. Integers are exact, beyond 53 bits too; a float has a
    /// decimal point or an exponent, so that it does not read as an integer. What is stored, hashed and sent is
    /// [`cbor`](crate::cbor), never this. Source: the IPLD DAG-JSON specification.
    ///
    /// # Errors
    ///
    /// [`ReservedKey`] for a map with the key `/`, which DAG-JSON keeps for links and bytes.
    ///
    /// ```
    /// let pump = civic_types::value!({"status": "dry", "litres": 2.0, "by": 7});
    /// assert_eq!(pump.to_dag_json()?, r#"{"by":7,"litres":2.0,"status":"dry"}"#);
    /// # Ok::<(), civic_types::value::ReservedKey>(())
    /// ```
    pub fn to_dag_json(&self) -> Result<String, ReservedKey> {
        let mut out = String::new();
        write(&mut out, self)?;
        Ok(out)
    }
}

/// A map has the key `/`, which DAG-JSON keeps for links and bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a map with the key `/` has no form in DAG-JSON")]
pub struct ReservedKey;

fn write(out: &mut String, value: &Value) -> Result<(), ReservedKey> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => display(out, format_args!("{value}")),
        Value::Float(value) => display(out, format_args!("{:?}", value.get())),
        Value::Text(value) => text(out, value),
        Value::Bytes(value) => {
            display(out, format_args!(r#"{{"/":{{"bytes":"{}"}}}}"#, BASE64_NOPAD.encode(value)));
        }
        Value::Link(cid) => display(out, format_args!(r#"{{"/":"{cid}"}}"#)),
        Value::List(values) => {
            out.push('[');
            for (i, value) in values.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                write(out, value)?;
            }
            out.push(']');
        }
        Value::Map(map) => {
            let mut pairs: Vec<_> = map.iter().collect();
            pairs.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (i, (key, value)) in pairs.into_iter().enumerate() {
                if key == "/" {
                    return Err(ReservedKey);
                }
                out.push_str(if i == 0 { "" } else { "," });
                text(out, key);
                out.push(':');
                write(out, value)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// Text as JSON has it: what must be escaped is, and nothing else.
fn text(out: &mut String, text: &str) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => display(out, format_args!("\\u{:04x}", u32::from(char))),
            _ => out.push(char),
        }
    }
    out.push('"');
}

fn display(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = out.write_fmt(text);
}
