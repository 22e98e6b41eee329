//! Form fields as PHP reads them (`users[0][username]=...`), and the check of a function's parameters
//! against what it takes. Moodle is strict: what is missing, of another type or not known is refused.

use serde_json::{Map, Value, json};

/// A field, or fields with keys of their own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Field {
    One(String),
    Many(Vec<(String, Self)>),
}

impl Field {
    /// The fields of a form as one tree.
    pub(crate) fn read(form: &[(String, String)]) -> Self {
        let mut fields = Vec::new();
        for (name, value) in form {
            let keys = keys(name);
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            put(&mut fields, &keys, value);
        }
        Self::Many(fields)
    }
}

fn keys(name: &str) -> Vec<String> {
    let Some((first, rest)) = name.split_once('[') else {
        return vec![name.to_owned()];
    };
    let rest = rest.strip_suffix(']').unwrap_or(rest);
    let further = rest.split("][").map(str::to_owned);
    std::iter::once(first.to_owned()).chain(further).collect()
}

fn put(fields: &mut Vec<(String, Field)>, keys: &[&str], value: &str) {
    let [key, rest @ ..] = keys else { return };
    // PHP counts on where a key is left out.
    let key = if key.is_empty() {
        fields.len().to_string()
    } else {
        (*key).to_owned()
    };
    let place = fields.iter().position(|(known, _)| *known == key);
    let place = place.unwrap_or_else(|| {
        fields.push((key, Field::Many(Vec::new())));
        fields.len() - 1
    });
    let field = &mut fields[place].1;
    if rest.is_empty() {
        *field = Field::One(value.to_owned());
        return;
    }
    if let Field::One(_) = field {
        *field = Field::Many(Vec::new());
    }
    if let Field::Many(fields) = field {
        put(fields, rest, value);
    }
}

/// What a parameter has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Int,
    Float,
    Bool,
    Text,
    Username,
    List(&'static Self),
    Record(&'static [Key]),
}

/// A parameter of a function, or a field of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    name: &'static str,
    shape: Shape,
    required: bool,
}

pub(crate) const fn required(name: &'static str, shape: Shape) -> Key {
    Key {
        name,
        shape,
        required: true,
    }
}

pub(crate) const fn optional(name: &'static str, shape: Shape) -> Key {
    Key {
        name,
        shape,
        required: false,
    }
}

impl Shape {
    /// The value, or what Moodle's `debuginfo` says.
    pub(crate) fn check(&self, field: &Field) -> Result<Value, String> {
        match (self, field) {
            (Self::Record(keys), Field::Many(fields)) => record(keys, fields),
            (Self::List(shape), Field::Many(fields)) => {
                let values = fields.iter().map(|(_, field)| shape.check(field));
                values.collect::<Result<Vec<_>, _>>().map(Value::Array)
            }
            (Self::Record(_) | Self::List(_), Field::One(bad)) => {
                Err(format!("Only arrays accepted. The bad value is: '{bad}'"))
            }
            (_, Field::Many(_)) => {
                Err("Scalar type expected, array or object received.".to_owned())
            }
            (_, Field::One(text)) => self.scalar(text).ok_or_else(|| {
                let kind = self.word();
                format!(
                    "Invalid external api parameter: the value is \"{text}\", \
                     the server was expecting \"{kind}\" type"
                )
            }),
        }
    }

    fn scalar(&self, text: &str) -> Option<Value> {
        match self {
            Self::Int => {
                let number: i64 = text.parse().ok()?;
                (number.to_string() == text).then(|| json!(number))
            }
            Self::Float => {
                let number: f64 = text.parse().ok()?;
                number.is_finite().then(|| json!(number))
            }
            Self::Bool => match text {
                "1" => Some(json!(true)),
                "0" => Some(json!(false)),
                _ => None,
            },
            Self::Username => {
                let known = |character: char| {
                    character.is_ascii_lowercase()
                        || character.is_ascii_digit()
                        || "-.@_".contains(character)
                };
                text.chars().all(known).then(|| json!(text))
            }
            _ => Some(json!(text)),
        }
    }

    const fn word(&self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Username => "username",
            _ => "raw",
        }
    }
}

fn record(keys: &[Key], fields: &[(String, Field)]) -> Result<Value, String> {
    let mut values = Map::new();
    for key in keys {
        let field = fields.iter().find(|(name, _)| name == key.name);
        let Some((_, field)) = field else {
            if key.required {
                let name = key.name;
                return Err(format!("Missing required key in single structure: {name}"));
            }
            continue;
        };
        let value = key.shape.check(field);
        let value = value.map_err(|debuginfo| {
            format!(
                "{} => Invalid parameter value detected: {debuginfo}",
                key.name
            )
        });
        values.insert(key.name.to_owned(), value?);
    }
    let names = fields.iter().map(|(name, _)| name.as_str());
    let unknown: Vec<&str> = names
        .filter(|name| !keys.iter().any(|key| key.name == *name))
        .collect();
    if unknown.is_empty() {
        return Ok(Value::Object(values));
    }
    let unknown = unknown.join(", ");
    Err(format!(
        "Unexpected keys ({unknown}) detected in parameter array."
    ))
}

/// Checked parameters, read by name. What was left out is none, zero or empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arguments<'a>(pub(crate) &'a Value);

impl<'a> Arguments<'a> {
    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.0[name].as_i64()
    }

    /// An id or a time. A negative one is nobody's.
    pub(crate) fn id(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or(0)
    }

    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.0[name].as_f64()
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.0[name].as_bool()
    }

    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.0[name].as_str()
    }

    pub(crate) fn list(&self, name: &str) -> &'a [Value] {
        self.0[name].as_array().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn ids(&self, name: &str) -> Vec<u64> {
        let ids = self.list(name).iter();
        ids.map(|id| id.as_u64().unwrap_or(0)).collect()
    }

    pub(crate) fn rows(&self, name: &str) -> impl Iterator<Item = Self> + use<'a> {
        self.list(name).iter().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: fields with keys in brackets become the tree that PHP makes of them.
    /// Method: keys given, keys left out, a field given twice.
    #[test]
    fn brackets_are_keys() {
        let form = [
            ("a[0][b]", "1"),
            ("a[0][c]", "2"),
            ("v[]", "x"),
            ("v[]", "y"),
            ("p", "1"),
            ("p", "2"),
        ];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        const WHOLE: Shape = Shape::Record(&[
            required(
                "a",
                Shape::List(&Shape::Record(&[
                    required("b", Shape::Int),
                    optional("c", Shape::Int),
                ])),
            ),
            required("v", Shape::List(&Shape::Text)),
            required("p", Shape::Bool),
        ]);
        let refused = WHOLE.check(&Field::read(&form)).unwrap_err();
        assert!(refused.starts_with("p => "), "{refused}");
        let read = WHOLE.check(&Field::read(&form[..5])).unwrap();
        assert_eq!(
            read,
            json!({"a": [{"b": 1, "c": 2}], "v": ["x", "y"], "p": true})
        );
    }
}
