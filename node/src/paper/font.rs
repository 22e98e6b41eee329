//! The two fonts, and texts shaped with them: Khmer syllables with their subscripts, and vowels that
//! stand before the consonant that they follow.

use std::sync::LazyLock;

use rustybuzz::{Face, UnicodeBuffer};

use super::PaperError;

/// How thick letters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// For reading.
    Regular,
    /// For what is looked for.
    Bold,
}

/// A font of the program.
pub struct Font {
    /// The file.
    pub data: &'static [u8],
    /// What the PDF calls it.
    pub name: &'static str,
    face: Face<'static>,
}

impl Font {
    fn of(data: &'static [u8], name: &'static str) -> Option<Self> {
        let face = Face::from_slice(data, 0)?;
        Some(Self { data, name, face })
    }
}

type Fonts = Option<[Font; 2]>;

static FONTS: LazyLock<Fonts> = LazyLock::new(|| {
    let regular = include_bytes!("../../fonts/NotoSansKhmer-Regular.ttf");
    let bold = include_bytes!("../../fonts/NotoSansKhmer-Bold.ttf");
    Some([
        Font::of(regular, "NotoSansKhmer-Regular")?,
        Font::of(bold, "NotoSansKhmer-Bold")?,
    ])
});

/// A glyph where it stands, in thousandths of the size.
#[derive(Clone, Debug, PartialEq)]
pub struct Glyph {
    /// Its number in the font.
    pub number: u16,
    /// What moves the pen.
    pub advance: f32,
    /// Where it is drawn, beside the pen.
    pub offset: (f32, f32),
    /// The letters that it is the first glyph of.
    pub letters: String,
}

impl Font {
    /// The font of a weight.
    ///
    /// # Errors
    /// [`PaperError::Fonts`].
    pub fn get(weight: Weight) -> Result<&'static Self, PaperError> {
        let [regular, bold] = FONTS.as_ref().ok_or(PaperError::Fonts)?;
        Ok(match weight {
            Weight::Regular => regular,
            Weight::Bold => bold,
        })
    }

    /// Bounds, ascent and descent.
    #[must_use]
    pub fn metrics(&self) -> ([f32; 4], f32, f32) {
        let scale = self.scale();
        let around = self.face.global_bounding_box();
        let around = [around.x_min, around.y_min, around.x_max, around.y_max];
        let scaled = |value: i16| f32::from(value) * scale;
        let (up, down) = (self.face.ascender(), self.face.descender());
        (around.map(scaled), scaled(up), scaled(down))
    }

    /// How wide a glyph is by itself.
    #[must_use]
    pub fn width(&self, number: u16) -> f32 {
        let number = rustybuzz::ttf_parser::GlyphId(number);
        let width = self.face.glyph_hor_advance(number).unwrap_or_default();
        f32::from(width) * self.scale()
    }

    fn scale(&self) -> f32 {
        let units = u16::try_from(self.face.units_per_em()).unwrap_or(1000);
        1000.0 / f32::from(units)
    }

    /// The glyphs of one line. What the font lacks is a box. Each script is shaped by its own rules.
    #[must_use]
    pub fn shape(&self, text: &str) -> Vec<Glyph> {
        scripts(text)
            .flat_map(|part| self.shape_script(part))
            .collect()
    }

    fn shape_script(&self, text: &str) -> Vec<Glyph> {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        let shaped = rustybuzz::shape(&self.face, &[], buffer);
        let starts: Vec<usize> = shaped
            .glyph_infos()
            .iter()
            .map(|glyph| usize::try_from(glyph.cluster).unwrap_or_default())
            .collect();
        let scale = self.scale();
        // Advances of a page are far below what a float holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let scaled = |value: i32| value as f32 * scale;
        let both = shaped.glyph_infos().iter().zip(shaped.glyph_positions());
        let mut before = None;
        let glyph = |(info, place): (&rustybuzz::GlyphInfo, &rustybuzz::GlyphPosition)| {
            let start = usize::try_from(info.cluster).unwrap_or_default();
            let end = starts.iter().filter(|one| **one > start).min();
            let whole = text.get(start..end.copied().unwrap_or(text.len()));
            let first = before.replace(start) != Some(start);
            Glyph {
                number: u16::try_from(info.glyph_id).unwrap_or_default(),
                advance: scaled(place.x_advance),
                offset: (scaled(place.x_offset), scaled(place.y_offset)),
                letters: whole.filter(|_| first).unwrap_or_default().to_owned(),
            }
        };
        both.map(glyph).collect()
    }
}

/// The parts of a text, each of one script; what is of none goes with what stands before it.
fn scripts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut khmer = None;
        let another = |letter: char| {
            let now = matches!(letter, '\u{1780}'..='\u{17FF}' | '\u{19E0}'..='\u{19FF}');
            let strong = now || letter.is_alphabetic();
            strong && *khmer.get_or_insert(now) != now
        };
        let end = rest.find(another).unwrap_or(rest.len());
        let (part, later) = rest.split_at(end);
        rest = later;
        (!part.is_empty()).then_some(part)
    })
}

/// How wide glyphs are at a size, in the size's unit.
#[must_use]
pub fn width(glyphs: &[Glyph], size: f32) -> f32 {
    glyphs.iter().map(|glyph| glyph.advance).sum::<f32>() * size / 1000.0
}
