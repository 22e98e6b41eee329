//! The items of a site's library. They are the site's own: a loan in a record names an item by its number only, and
//! what the number stands for is kept here and nowhere else.

use serde::{Deserialize, Serialize};
use spean_protocol::codec;

use super::imported::Brought;
use super::{Fate, Fates, Gathered, Import};
use crate::engine::{Engine, EngineError};
use crate::register::ItemRow;
use crate::store::{Store, Table};

/// Bytes of a title, of an author, or of a shelf.
const TEXT_BYTES_MAX: usize = 200;

/// Items of one library.
const ITEMS_MAX: u64 = 200_000;

/// An item of the library.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its title.
    pub title: String,
    /// Who wrote it.
    pub author: String,
    /// The code of its language, such as `km`.
    pub language: String,
    /// How many copies there are.
    pub copies: u16,
}

fn read(row: &ItemRow) -> Result<(u32, Item), String> {
    let [title, author, language, copies] = row.fields.each_ref().map(|field| field.trim());
    let number = row.item.trim().parse();
    let number = number.map_err(|_| "item: not a number such as 1207".to_owned())?;
    if title.is_empty() {
        return Err("title: it is empty".to_owned());
    }
    let long = |text: &str| text.len() > TEXT_BYTES_MAX;
    if long(title) || long(author) || language.len() > 8 {
        return Err(format!(
            "title or author: longer than {TEXT_BYTES_MAX} bytes"
        ));
    }
    let copies = match copies {
        "" => 1,
        text => text
            .parse()
            .map_err(|_| "copies: not a number such as 3".to_owned())?,
    };
    let item = Item {
        title: title.to_owned(),
        author: author.to_owned(),
        language: language.to_owned(),
        copies,
    };
    Ok((number, item))
}

impl<S: Store> Engine<S> {
    /// Takes a catalogue, as one transaction: what stands in it is as it says, and the rest stays.
    ///
    /// # Errors
    /// What the store says; rows that cannot be used are no error.
    pub fn import_items(
        &mut self,
        import: &Import,
        rows: &[ItemRow],
    ) -> Result<Fates, EngineError> {
        self.input(|engine| {
            let mut gathered = Gathered::default();
            let held = engine.store.scan(Table::Item, &[], &[], usize::MAX)?.len();
            let mut held = held as u64;
            for row in rows {
                let fate = match read(row) {
                    Err(reason) => Fate::Refused(reason),
                    Ok((number, item)) => {
                        let before = engine.item(number)?;
                        match before {
                            Some(before) if before == item => Fate::Known,
                            None if held >= ITEMS_MAX => {
                                Fate::Refused(format!("the library has {ITEMS_MAX} items already"))
                            }
                            before => {
                                held += u64::from(before.is_none());
                                if import.keep {
                                    engine.put_item(number, Some(&item))?;
                                }
                                gathered.brought.push(Brought::Item {
                                    item: number,
                                    before,
                                    now: item,
                                });
                                Fate::New
                            }
                        }
                    }
                };
                gathered.fate(fate, None);
            }
            engine.keep_gathered(import, gathered)
        })
    }

    /// The item of that number.
    ///
    /// # Errors
    /// What the store says.
    pub fn item(&self, number: u32) -> Result<Option<Item>, EngineError> {
        let row = self.store.read(Table::Item, &number.to_be_bytes())?;
        Ok(row.map(|row| codec::decode(&row)).transpose()?)
    }

    /// Items whose title or author contains a text, or that have that number.
    ///
    /// # Errors
    /// What the store says.
    pub fn items(&self, needle: &str, limit: usize) -> Result<Vec<(u32, Item)>, EngineError> {
        let needle = needle.to_lowercase();
        let mut found = Vec::new();
        for (key, row) in self.store.scan(Table::Item, &[], &[], usize::MAX)? {
            let number = key.try_into().map_or(0, u32::from_be_bytes);
            let item: Item = codec::decode(&row)?;
            let texts = [&item.title, &item.author].map(|text| text.to_lowercase());
            if texts.iter().any(|text| text.contains(&needle)) || number.to_string() == needle {
                found.push((number, item));
                if found.len() >= limit {
                    break;
                }
            }
        }
        Ok(found)
    }

    pub(super) fn put_item(&mut self, number: u32, item: Option<&Item>) -> Result<(), EngineError> {
        let key = number.to_be_bytes();
        match item {
            Some(item) => self.store.write(Table::Item, &key, &codec::encode(item))?,
            None => self.store.remove(Table::Item, &key)?,
        }
        Ok(())
    }
}
