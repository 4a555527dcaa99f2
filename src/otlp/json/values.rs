//! Values and lists of named values.
//!
//! The protocol wraps each value in an object that names its type: `{"stringValue": "text"}`.
//! Exporters to files write plain JSON instead, and an object of named values instead of a list.
//! Both forms are read wherever they are unambiguous.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::scalars::{ByteCount, Text, next_name, skip};
use super::take::{Seed, Take};
use crate::otlp::MAX_DEPTH;
use crate::otlp::intake::Intake;
use crate::otlp::value::{Attributes, Value};

/// The interpretation of an object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As a message of the protocol, which has fields of its own.
    Message,
    /// As named values.
    Plain,
}

/// A value: `AnyValue`, or plain JSON.
pub(super) struct AnyValue<'i> {
    pub(super) form: Form,
    /// Number of levels of values that may still be nested.
    pub(super) depth: usize,
    pub(super) intake: &'i mut Intake,
}

impl AnyValue<'_> {
    /// Reads the field that names the type and contains the value; `None` for another field.
    fn of_type<'de, A: MapAccess<'de>>(
        &mut self,
        name: &[u8],
        fields: &mut A,
    ) -> Result<Option<Value>, A::Error> {
        let depth = self.depth - 1;
        let intake = &mut *self.intake;
        let value = match name {
            b"stringValue" | b"boolValue" => fields.next_value_seed(Seed(AnyValue {
                form: Form::Plain,
                depth: 0,
                intake,
            }))?,
            b"intValue" => fields.next_value_seed(Seed(Int(intake)))?,
            b"doubleValue" => fields.next_value_seed(Seed(Double(intake)))?,
            b"arrayValue" => {
                let items = Items {
                    form: Form::Message,
                    depth,
                    intake,
                };
                Value::Array(fields.next_value_seed(Seed(items))?)
            }
            b"kvlistValue" => {
                let entries = Named {
                    form: Form::Message,
                    depth,
                    intake,
                };
                Value::Map(fields.next_value_seed(Seed(entries))?)
            }
            b"bytesValue" => Value::Bytes(fields.next_value_seed(Seed(ByteCount(intake)))?),
            _ => return skip(fields).map(|()| None),
        };
        Ok(Some(value))
    }
}

impl<'de> Take<'de> for AnyValue<'_> {
    type Output = Value;

    fn other(self) -> Value {
        self.intake.cut_value();
        Value::Null
    }

    fn null(self) -> Value {
        Value::Null
    }

    fn boolean(self, value: bool) -> Value {
        Value::Bool(value)
    }

    fn signed(self, value: i64) -> Value {
        Value::Int(value)
    }

    fn unsigned(self, value: u64) -> Value {
        Value::Double(nearest(value))
    }

    fn double(self, value: f64) -> Value {
        Value::Double(value)
    }

    fn text(self, value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    fn list<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let Self {
            form,
            depth,
            intake,
        } = self;
        if depth == 0 {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Self {
                form,
                depth,
                intake,
            }
            .other());
        }
        values(items, form, depth - 1, intake).map(Value::Array)
    }

    fn object<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<Value, A::Error> {
        if self.depth == 0 {
            while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(self.other());
        }
        if self.form == Form::Plain {
            return plain_fields(fields, self.depth - 1, self.intake).map(Value::Map);
        }
        let mut value = Value::Null;
        while let Some(name) = next_name(&mut fields)? {
            if let Some(given) = self.of_type(name.as_bytes(), &mut fields)? {
                value = given;
            }
        }
        Ok(value)
    }
}

fn values<'de, A: SeqAccess<'de>>(
    mut items: A,
    form: Form,
    depth: usize,
    intake: &mut Intake,
) -> Result<Vec<Value>, A::Error> {
    let mut values = Vec::new();
    loop {
        let item = AnyValue {
            form,
            depth,
            intake: &mut *intake,
        };
        match items.next_element_seed(Seed(item))? {
            Some(value) => intake.push(&mut values, value),
            None => return Ok(values),
        }
    }
}

/// Reads the fields of an object as named values.
fn plain_fields<'de, A: MapAccess<'de>>(
    mut fields: A,
    depth: usize,
    intake: &mut Intake,
) -> Result<Attributes, A::Error> {
    let mut attributes = Attributes::default();
    while let Some(key) = fields.next_key()? {
        let value = AnyValue {
            form: Form::Plain,
            depth,
            intake: &mut *intake,
        };
        let value = fields.next_value_seed(Seed(value))?;
        intake.push_attribute(&mut attributes, key, value);
    }
    Ok(attributes)
}

/// A list of values: `ArrayValue` as a message, whose field `values` is the list.
struct Items<'i> {
    form: Form,
    depth: usize,
    intake: &'i mut Intake,
}

impl<'de> Take<'de> for Items<'_> {
    type Output = Vec<Value>;

    fn other(self) -> Vec<Value> {
        self.intake.unreadable_field();
        Vec::new()
    }

    fn null(self) -> Vec<Value> {
        Vec::new()
    }

    fn list<A: SeqAccess<'de>>(self, items: A) -> Result<Vec<Value>, A::Error> {
        values(items, Form::Message, self.depth, self.intake)
    }

    fn object<A: MapAccess<'de>>(self, mut fields: A) -> Result<Vec<Value>, A::Error> {
        let Self {
            form,
            depth,
            intake,
        } = self;
        let mut values = Vec::new();
        while let Some(name) = next_name(&mut fields)? {
            if form == Form::Message && name.as_bytes() == b"values" {
                let items = Items {
                    form: Form::Plain,
                    depth,
                    intake: &mut *intake,
                };
                values.append(&mut fields.next_value_seed(Seed(items))?);
            } else {
                skip(&mut fields)?;
            }
        }
        Ok(values)
    }
}

/// Named values: a list of `KeyValue`. An object is `KeyValueList` as a message, whose field
/// `values` is the list, and the named values themselves if it is plain.
pub(super) struct Named<'i> {
    pub(super) form: Form,
    pub(super) depth: usize,
    pub(super) intake: &'i mut Intake,
}

impl<'i> Named<'i> {
    /// The attributes of a span or another message.
    pub(super) fn attributes(intake: &'i mut Intake) -> Seed<Self> {
        Seed(Self {
            form: Form::Plain,
            depth: MAX_DEPTH,
            intake,
        })
    }
}

impl<'de> Take<'de> for Named<'_> {
    type Output = Attributes;

    fn other(self) -> Attributes {
        self.intake.unreadable_field();
        Attributes::default()
    }

    fn null(self) -> Attributes {
        Attributes::default()
    }

    fn list<A: SeqAccess<'de>>(self, mut items: A) -> Result<Attributes, A::Error> {
        let Self { depth, intake, .. } = self;
        let mut attributes = Attributes::default();
        loop {
            let item = KeyValue {
                depth,
                intake: &mut *intake,
            };
            match items.next_element_seed(Seed(item))? {
                Some(Some((key, value))) => intake.push_attribute(&mut attributes, key, value),
                Some(None) => {}
                None => return Ok(attributes),
            }
        }
    }

    fn object<A: MapAccess<'de>>(self, mut fields: A) -> Result<Attributes, A::Error> {
        let Self {
            form,
            depth,
            intake,
        } = self;
        if form == Form::Plain {
            return plain_fields(fields, depth, intake);
        }
        let mut attributes = Attributes::default();
        while let Some(name) = next_name(&mut fields)? {
            if name.as_bytes() == b"values" {
                let entries = Named {
                    form: Form::Plain,
                    depth,
                    intake: &mut *intake,
                };
                attributes
                    .0
                    .append(&mut fields.next_value_seed(Seed(entries))?.0);
            } else {
                skip(&mut fields)?;
            }
        }
        Ok(attributes)
    }
}

/// A named value.
struct KeyValue<'i> {
    depth: usize,
    intake: &'i mut Intake,
}

impl<'de> Take<'de> for KeyValue<'_> {
    type Output = Option<(String, Value)>;

    fn other(self) -> Option<(String, Value)> {
        self.intake.unreadable_field();
        None
    }

    fn null(self) -> Option<(String, Value)> {
        None
    }

    fn object<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Output, A::Error> {
        let Self { depth, intake } = self;
        let (mut key, mut value) = (String::new(), Value::Null);
        while let Some(name) = next_name(&mut fields)? {
            match name.as_bytes() {
                b"key" => key = fields.next_value_seed(Seed(Text(intake)))?,
                b"value" => {
                    let given = AnyValue {
                        form: Form::Message,
                        depth,
                        intake: &mut *intake,
                    };
                    value = fields.next_value_seed(Seed(given))?;
                }
                _ => skip(&mut fields)?,
            }
        }
        Ok(Some((key, value)))
    }
}

/// A whole number, or its digits as text. Beyond 64 bits it becomes a [`Value::Double`].
struct Int<'i>(&'i mut Intake);

impl Take<'_> for Int<'_> {
    type Output = Value;

    fn other(self) -> Value {
        self.0.unreadable_field();
        Value::Null
    }

    fn null(self) -> Value {
        Value::Null
    }

    fn signed(self, value: i64) -> Value {
        Value::Int(value)
    }

    fn unsigned(self, value: u64) -> Value {
        Value::Double(nearest(value))
    }

    fn double(self, value: f64) -> Value {
        Value::Double(value)
    }

    fn text(self, value: &str) -> Value {
        match value.parse() {
            Ok(value) => Value::Int(value),
            Err(_) => Double(self.0).text(value),
        }
    }
}

/// A number, its digits as text, or `NaN`, `Infinity` or `-Infinity`.
struct Double<'i>(&'i mut Intake);

impl Take<'_> for Double<'_> {
    type Output = Value;

    fn other(self) -> Value {
        self.0.unreadable_field();
        Value::Null
    }

    fn null(self) -> Value {
        Value::Null
    }

    fn signed(self, value: i64) -> Value {
        let nearest = nearest(value.unsigned_abs());
        Value::Double(if value < 0 { -nearest } else { nearest })
    }

    fn unsigned(self, value: u64) -> Value {
        Value::Double(nearest(value))
    }

    fn double(self, value: f64) -> Value {
        Value::Double(value)
    }

    fn text(self, value: &str) -> Value {
        match value.parse() {
            Ok(value) => Value::Double(value),
            Err(_) => self.other(),
        }
    }
}

/// The double nearest to a whole number.
const fn nearest(value: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "the field is a double")]
    let nearest = value as f64;
    nearest
}
