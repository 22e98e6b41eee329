//! Pages, and the PDF that they become. Places are millimetres from the upper left corner of a page,
//! of a text's base line; sizes of letters are points. A code is drawn as one path of rectangles, so
//! that no gap shows between two of them, whatever prints it.

use std::collections::BTreeMap;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str};
use subsetter::GlyphRemapper;

use super::PaperError;
use super::font::{Font, Glyph, width};
use crate::qr::Qr;

pub use super::font::Weight;

/// Points of a millimetre.
const MILLIMETRE: f32 = 72.0 / 25.4;

/// A text is not made smaller than this to fit.
const SIZE_MIN: f32 = 4.0;

enum Item {
    Text((f32, f32), (f32, Weight), Vec<Glyph>),
    Line((f32, f32), (f32, f32)),
    Code((f32, f32), f32, Box<Qr>),
}

/// A page.
pub struct Page {
    size: (f32, f32),
    items: Vec<Item>,
}

impl Page {
    /// An empty page of a width and a height.
    pub const fn new(size: (f32, f32)) -> Self {
        let items = Vec::new();
        Self { size, items }
    }

    /// A text on one line.
    pub fn text(&mut self, at: (f32, f32), style: (f32, Weight), text: &str) {
        if let Ok(font) = Font::get(style.1) {
            self.items.push(Item::Text(at, style, font.shape(text)));
        }
    }

    /// A text on one line, as small as it must be for that width.
    pub fn fitted(&mut self, at: (f32, f32), style: (f32, Weight), most: f32, text: &str) {
        let (size, weight) = style;
        let wide = measure(style, text);
        let size = if wide > most {
            (size * most / wide).max(SIZE_MIN)
        } else {
            size
        };
        self.text(at, (size, weight), text);
    }

    /// A text of several lines; where the next line would stand.
    pub fn wrapped(
        &mut self,
        (x, mut y): (f32, f32),
        (size, step): (f32, f32),
        most: f32,
        text: &str,
    ) -> f32 {
        let style = (size, Weight::Regular);
        let mut line = String::new();
        for part in parts(text) {
            let longer = format!("{line}{part}");
            if !line.is_empty() && measure(style, longer.trim_end()) > most {
                self.text((x, y), style, line.trim_end());
                y += step;
                part.trim_start().clone_into(&mut line);
            } else {
                line = longer;
            }
        }
        self.text((x, y), style, line.trim_end());
        y + step
    }

    /// A thin line.
    pub fn line(&mut self, from: (f32, f32), to: (f32, f32)) {
        self.items.push(Item::Line(from, to));
    }

    /// A code whose dark part has this side; its quiet zone is what is left free around it.
    pub fn code(&mut self, at: (f32, f32), side: f32, code: Qr) {
        self.items.push(Item::Code(at, side, Box::new(code)));
    }
}

fn measure((size, weight): (f32, Weight), text: &str) -> f32 {
    let glyphs = Font::get(weight).map(|font| font.shape(text));
    glyphs.map_or(0.0, |glyphs| width(&glyphs, size) / MILLIMETRE)
}

/// Where a line may end: after a space or a mark between words that has no width. Khmer has spaces
/// between phrases only, so its words are marked in the texts.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive([' ', '\u{200B}'])
}

/// Numbers of a PDF's objects, one after the other.
struct Numbers(i32);

impl Numbers {
    fn next(&mut self) -> Ref {
        self.0 += 1;
        Ref::new(self.0)
    }
}

/// The pages as a file.
///
/// # Errors
/// [`PaperError::Fonts`].
pub fn pdf(pages: &[Page]) -> Result<Vec<u8>, PaperError> {
    let mut pdf = Pdf::new();
    let mut numbers = Numbers(0);
    let (catalog, tree) = (numbers.next(), numbers.next());
    let mut used = [Weight::Regular, Weight::Bold].map(|weight| Used {
        weight,
        id: numbers.next(),
        remapper: GlyphRemapper::new(),
        letters: BTreeMap::new(),
    });
    let ids: Vec<(Ref, Ref)> = pages
        .iter()
        .map(|_| (numbers.next(), numbers.next()))
        .collect();
    for (page, (id, content)) in pages.iter().zip(&ids) {
        let mut codes = Vec::new();
        let drawn = draw(page, &mut used, |code| {
            codes.push((numbers.next(), code));
            codes.last().map_or(*id, |(id, _)| *id)
        })?;
        let mut object = pdf.page(*id);
        let (wide, high) = (page.size.0 * MILLIMETRE, page.size.1 * MILLIMETRE);
        object
            .media_box(Rect::new(0.0, 0.0, wide, high))
            .parent(tree)
            .contents(*content);
        let mut resources = object.resources();
        let mut fonts = resources.fonts();
        for one in &used {
            fonts.pair(Name(one.name().as_bytes()), one.id);
        }
        fonts.finish();
        let mut forms = resources.x_objects();
        for (id, _) in &codes {
            forms.pair(Name(code_name(*id).as_bytes()), *id);
        }
        forms.finish();
        resources.finish();
        object.finish();
        pdf.stream(*content, &drawn);
        for (id, code) in codes {
            write_code(&mut pdf, id, code);
        }
    }
    let count = i32::try_from(pages.len()).unwrap_or(i32::MAX);
    pdf.pages(tree)
        .kids(ids.iter().map(|(id, _)| *id))
        .count(count);
    for one in &used {
        one.write(&mut pdf, &mut numbers)?;
    }
    pdf.catalog(catalog).pages(tree);
    Ok(pdf.finish())
}

fn code_name(id: Ref) -> String {
    format!("C{}", id.get())
}

fn draw<'a>(
    page: &'a Page,
    used: &mut [Used; 2],
    mut code_id: impl FnMut(&'a Qr) -> Ref,
) -> Result<Vec<u8>, PaperError> {
    let mut content = Content::new();
    let place = |(x, y): (f32, f32)| (x * MILLIMETRE, (page.size.1 - y) * MILLIMETRE);
    for item in &page.items {
        match item {
            Item::Text(at, (size, weight), glyphs) => {
                let one = usize::from(*weight == Weight::Bold);
                used[one].text(&mut content, place(*at), *size, glyphs)?;
            }
            Item::Line(from, to) => {
                let (from, to) = (place(*from), place(*to));
                content.set_line_width(0.4);
                content.move_to(from.0, from.1).line_to(to.0, to.1).stroke();
            }
            Item::Code(at, side, code) => {
                let (x, y) = place((at.0, at.1 + side));
                let module = side * MILLIMETRE / from_count(code.side());
                content.save_state();
                content.transform([module, 0.0, 0.0, module, x, y]);
                content.x_object(Name(code_name(code_id(code)).as_bytes()));
                content.restore_state();
            }
        }
    }
    Ok(content.finish().into_vec())
}

/// Counts of modules are small.
#[expect(clippy::cast_precision_loss, reason = "177 at most")]
const fn from_count(count: usize) -> f32 {
    count as f32
}

fn write_code(pdf: &mut Pdf, id: Ref, code: &Qr) {
    let side = from_count(code.side());
    let mut content = Content::new();
    for (x, y, length) in code.runs() {
        let below = side - 1.0 - from_count(y);
        content.rect(from_count(x), below, from_count(length), 1.0);
    }
    content.fill_nonzero();
    let drawn = content.finish();
    pdf.form_xobject(id, &drawn)
        .bbox(Rect::new(0.0, 0.0, side, side));
}

/// What the pages use of a font.
struct Used {
    weight: Weight,
    id: Ref,
    remapper: GlyphRemapper,
    letters: BTreeMap<u16, (u16, String)>,
}

impl Used {
    const fn name(&self) -> &'static str {
        match self.weight {
            Weight::Regular => "R",
            Weight::Bold => "B",
        }
    }

    /// The glyphs one after the other; where the shaper moved one, so does the page.
    fn text(
        &mut self,
        content: &mut Content,
        (x, y): (f32, f32),
        size: f32,
        glyphs: &[Glyph],
    ) -> Result<(), PaperError> {
        let font = Font::get(self.weight)?;
        content.begin_text();
        content.set_font(Name(self.name().as_bytes()), size);
        content.set_text_matrix([1.0, 0.0, 0.0, 1.0, x, y]);
        let (mut cursor, mut pen, mut rise) = (0.0, 0.0, 0.0);
        for glyph in glyphs {
            let number = self.remapper.remap(glyph.number);
            self.letters
                .entry(number)
                .or_insert_with(|| (glyph.number, glyph.letters.clone()));
            let lifted = glyph.offset.1 * size / 1000.0;
            if (lifted - rise).abs() > 0.001 {
                rise = lifted;
                content.set_rise(rise);
            }
            let ahead = cursor + glyph.offset.0 - pen;
            let mut shown = content.show_positioned();
            let mut items = shown.items();
            if ahead.abs() > 0.01 {
                items.adjust(-ahead);
                pen += ahead;
            }
            items.show(Str(&number.to_be_bytes()));
            items.finish();
            shown.finish();
            pen += font.width(glyph.number);
            cursor += glyph.advance;
        }
        content.end_text();
        Ok(())
    }

    fn write(&self, pdf: &mut Pdf, numbers: &mut Numbers) -> Result<(), PaperError> {
        let font = Font::get(self.weight)?;
        let file =
            subsetter::subset(font.data, 0, &self.remapper).map_err(|_| PaperError::Fonts)?;
        let [cid, descriptor, map, data] = [(); 4].map(|()| numbers.next());
        // Six letters before the name say that it is a part of the font.
        let name = format!("SPEANA+{}", font.name);
        let name = Name(name.as_bytes());
        let system = SystemInfo {
            registry: Str(b"Adobe"),
            ordering: Str(b"Identity"),
            supplement: 0,
        };
        pdf.type0_font(self.id)
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid)
            .to_unicode(map);
        let mut object = pdf.cid_font(cid);
        object
            .subtype(CidFontType::Type2)
            .base_font(name)
            .system_info(system)
            .font_descriptor(descriptor)
            .cid_to_gid_map_predefined(Name(b"Identity"))
            .default_width(0.0);
        let mut widths = object.widths();
        for (number, (of, _)) in &self.letters {
            widths.consecutive(*number, [font.width(*of)]);
        }
        widths.finish();
        object.finish();
        let (around, up, down) = font.metrics();
        let [left, bottom, right, top] = around;
        pdf.font_descriptor(descriptor)
            .name(name)
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(left, bottom, right, top))
            .italic_angle(0.0)
            .ascent(up)
            .descent(down)
            .cap_height(up)
            .stem_v(80.0)
            .font_file2(data);
        let mut letters = UnicodeCmap::new(Name(b"Spean"), system);
        for (number, (_, of)) in &self.letters {
            if !of.is_empty() {
                letters.pair_with_multiple(*number, of.chars());
            }
        }
        pdf.cmap(map, &letters.finish())
            .name(Name(b"Spean"))
            .system_info(system);
        let length = i32::try_from(file.len()).unwrap_or(i32::MAX);
        pdf.stream(data, &file).pair(Name(b"Length1"), length);
        Ok(())
    }
}
