//! The first page: how this node stands, in big words, and the way to a learner.

use askama::Template;

use super::frame::{Failure, Frame, ask};
use crate::engine::report::{SiteStatus, Status};
use crate::service::Service;

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    frame: &'a Frame,
    status: Status,
    held_by: String,
    warnings: Vec<String>,
    sites: Vec<SiteLine>,
}

/// How fresh the data of one site are.
struct SiteLine {
    code: String,
    own: bool,
    through: Option<String>,
    holes: bool,
    /// Another site's machine has a copy; of this one a warning tells.
    copied: bool,
}

/// The page at `/`.
pub async fn page(service: &Service, frame: &Frame) -> Result<String, Failure> {
    let (status, headquarters) = ask(service, |engine| {
        let headquarters = engine.roster().headquarters().map(|site| site.code.clone());
        Ok((engine.status()?, headquarters))
    })
    .await?;
    shown(frame, status, headquarters.as_deref())
}

/// The page of a status. `headquarters` is the DGP's code.
pub fn shown(frame: &Frame, status: Status, headquarters: Option<&str>) -> Result<String, Failure> {
    let home = Home {
        frame,
        held_by: held_by(frame, &status, headquarters),
        warnings: warnings(frame, &status),
        sites: status
            .sites
            .iter()
            .map(|site| site_line(frame, &status, site))
            .collect(),
        status,
    };
    Ok(home.render()?)
}

fn held_by(frame: &Frame, status: &Status, headquarters: Option<&str>) -> String {
    let others = status
        .held_by
        .iter()
        .filter(|code| Some(code.as_str()) != headquarters)
        .count();
    let at_headquarters = status.held_by.len() > others;
    let count = u64::try_from(others).unwrap_or(u64::MAX);
    if status.headquarters && others > 0 {
        return frame.count("held-by-prisons", count);
    }
    match (others, at_headquarters) {
        (0, false) => frame.text("held-by-none"),
        (0, true) => frame.text("held-by-dgp"),
        (_, false) => frame.count("held-by-sites", count),
        (_, true) => frame.count("held-by-sites-and-dgp", count),
    }
}

fn warnings(frame: &Frame, status: &Status) -> Vec<String> {
    let mut warnings = Vec::new();
    if status.copies > 0 {
        warnings.push(frame.count("warning-copies", status.copies));
    }
    if status.forks > 0 {
        warnings.push(frame.count("warning-forks", status.forks));
    }
    if status.set_aside > 0 {
        warnings.push(frame.count("warning-aside", status.set_aside));
    }
    warnings
}

fn site_line(frame: &Frame, status: &Status, site: &SiteStatus) -> SiteLine {
    let day = site.data_through.as_ref().map(|day| match day.parse() {
        Ok(date) => frame.date(Some(date)),
        Err(_) => day.clone(),
    });
    SiteLine {
        code: site.code.clone(),
        own: site.code == status.site,
        through: day,
        holes: site.holes,
        copied: site.copies > 0 && site.code != status.site,
    }
}
