//! What a benchmark prints: each figure beside its limit, as text or as one JSON object.

/// One line of the table.
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    limit: Option<f64>,
}

/// All figures.
pub struct Table {
    figures: Vec<Figure>,
    json: bool,
}

impl Table {
    /// An empty table; as JSON where the command line asks for it.
    pub fn begin() -> Self {
        Self {
            figures: Vec::new(),
            json: std::env::args().any(|argument| argument == "--json"),
        }
    }

    /// Adds a figure, and prints it.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        limit: Option<f64>,
    ) {
        let name = name.into();
        if !self.json {
            let limit_text = limit.map_or_else(String::new, |l| format!("limit {l:>9}"));
            let ratio = limit.map_or_else(String::new, |l| {
                let word = if value <= l { "held" } else { "MISSED" };
                format!("{:>5.2} of it, {word}", value / l)
            });
            println!("{name:62} {value:>12.1} {unit:6} {limit_text:16} {ratio}");
        }
        self.figures.push(Figure {
            name,
            value,
            unit,
            limit,
        });
    }

    /// Prints the object, where that was asked for.
    pub fn finish(self) {
        if !self.json {
            return;
        }
        let figures: Vec<_> = self
            .figures
            .iter()
            .map(|f| {
                let held = f.limit.map(|limit| f.value <= limit);
                serde_json::json!({
                    "name": f.name, "value": f.value, "unit": f.unit, "limit": f.limit, "held": held,
                })
            })
            .collect();
        println!("{}", serde_json::json!({ "figures": figures }));
    }
}
