//! What shall become of each learner, so that the published figures come out of the records: the
//! quotas dealt to people where a figure is exact, chance everywhere else. No event is made here.

use super::day::Day;
use super::draw::Draw;
use super::learner::Sex;
use super::quota::{CC4, KAMPOT, PILOTS, Quota};

/// What shall become of one learner.
#[derive(Clone)]
pub(super) struct Plan {
    pub site: usize,
    pub sex: Sex,
    pub window: Window,
    pub reintegration: bool,
    /// Takes the module that is on trial in slot 7: few people and a large gain.
    pub trial: bool,
    pub digital: bool,
    pub beep: Option<Beep>,
    pub english: Option<English>,
    pub only: Option<Only>,
    pub aspiration: Option<&'static str>,
    /// A second aspiration, declared later: the first one counts.
    pub aspiration_later: Option<&'static str>,
    pub who5_start: Option<[i32; 5]>,
    pub who5_end: Option<[i32; 5]>,
}

/// The time in which a learner's story lies, but for his departure.
#[derive(Clone, Copy)]
pub(super) struct Window {
    /// He starts between these two.
    pub start_first: Day,
    pub start_last: Day,
    /// What does not fit before this day is left out, or the start is drawn earlier.
    pub end: Day,
    /// He neither leaves nor withdraws before this day.
    pub stays_until: Day,
    /// From here on he is simply still there.
    pub leaves_before: Day,
}

/// What became of somebody enrolled in BEEP.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Beep {
    Completed,
    Underway,
}

/// What became of somebody registered in English.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum English {
    /// Attended all and was released before any exam.
    ReleasedBeforeExam,
    Certified,
    Passed,
    Failed,
    Withdrew,
    StillIn,
    TransferredNoNode,
    ReleasedMidCourse,
    /// In 2026: attended all, and is expected to be released before the exam.
    AtRisk,
}

/// A beneficiary by one thing alone, without any session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Only {
    Logins,
    PreTest,
}

const MICRO_BUSINESS: &str = "micro-business";
const OTHER_ASPIRATIONS: [&str; 7] = [
    "farming",
    "construction",
    "craft",
    "employment",
    "services",
    "further-study",
    "undecided",
];

/// The pilot sites' learners who count, without the two who moved.
pub(super) fn beneficiaries(draw: &mut Draw) -> Vec<Plan> {
    let mut english = english_fates(draw);
    let mut plans = Vec::new();
    for (site, quota) in PILOTS.iter().enumerate() {
        plans.extend(of_site(site, quota, &mut english, draw));
    }
    deal_aspirations(&mut plans, draw);
    deal_who5(&mut plans, draw);
    deal_only(&mut plans, draw);
    for plan in plans.iter_mut().filter(|plan| plan.may_run_on()) {
        plan.window = Window::RUNS_ON;
    }
    plans
}

/// What a learner of 2026 does. `english` is for those whose exam is at risk.
pub(super) fn newcomer(site: usize, sex: Sex, opened: Day, english: bool, draw: &mut Draw) -> Plan {
    let reintegration = draw.percent(80);
    let start_last = if english {
        Day::new(2026, 2, 13)
    } else {
        Day::new(2026, 3, 20)
    };
    let mut plan = Plan::new(
        site,
        Window {
            start_first: opened,
            start_last,
            end: Day::new(2026, 6, 26),
            stays_until: opened,
            leaves_before: Day::new(2026, 6, 26),
        },
    );
    plan.sex = sex;
    plan.reintegration = reintegration && !english;
    plan.english = english.then_some(English::AtRisk);
    plan.digital = !english && (!reintegration || draw.percent(70));
    plan.beep = (!english && !reintegration && draw.percent(30)).then_some(Beep::Underway);
    plan.aspiration = draw.percent(85).then(|| any_aspiration(draw));
    plan.who5_start = (plan.reintegration && draw.percent(30)).then(|| who5_answers(draw));
    plan
}

/// An aspiration as likely as it is in the published figure.
fn any_aspiration(draw: &mut Draw) -> &'static str {
    if draw.percent(47) {
        MICRO_BUSINESS
    } else {
        draw.pick(&OTHER_ASPIRATIONS)
    }
}

impl Window {
    /// The pilot, from the first lab to the end of what is published.
    pub(super) const PILOT: Self = Self {
        start_first: Day::new(2023, 1, 9),
        start_last: Day::new(2025, 11, 24),
        end: Day::new(2025, 12, 17),
        stays_until: Day::new(2023, 1, 9),
        leaves_before: Day::new(2025, 12, 29),
    };

    /// Begun in the pilot and not cut off by its end: the labs did not shut on New Year's Eve. The
    /// last start leaves time for a first session, by which he counts.
    const RUNS_ON: Self = Self {
        start_last: Day::new(2025, 12, 5),
        end: Day::new(2026, 6, 24),
        leaves_before: Day::new(2026, 6, 24),
        ..Self::PILOT
    };
}

impl Plan {
    fn new(site: usize, window: Window) -> Self {
        Self {
            site,
            sex: Sex::Man,
            window,
            reintegration: false,
            trial: false,
            digital: false,
            beep: None,
            english: None,
            only: None,
            aspiration: None,
            aspiration_later: None,
            who5_start: None,
            who5_end: None,
        }
    }

    /// Whether no figure of the pilot hangs on anything but his first days.
    fn may_run_on(&self) -> bool {
        let first_days_only = self.beep.is_none() || (!self.reintegration && self.site != CC4);
        first_days_only
            && self.english.is_none()
            && !self.trial
            && self.who5_end.is_none()
            && self.aspiration_later.is_none()
    }

    /// Whether he takes part in nothing that a quota counts, yet.
    fn is_free(&self) -> bool {
        !self.reintegration && self.beep.is_none() && self.english.is_none()
    }
}

/// The 33 registered in English, but for the one who moved: 23 of them attended all and were
/// released before any exam.
fn english_fates(draw: &mut Draw) -> Vec<English> {
    let mut fates = vec![English::ReleasedBeforeExam; 23];
    fates.extend([
        English::Certified,
        English::Certified,
        English::Passed,
        English::Failed,
    ]);
    fates.extend([English::Withdrew, English::Withdrew, English::StillIn]);
    fates.extend([English::TransferredNoNode, English::ReleasedMidCourse]);
    draw.shuffle(&mut fates);
    fates
}

fn of_site(site: usize, quota: &Quota, english: &mut Vec<English>, draw: &mut Draw) -> Vec<Plan> {
    let mut plans = vec![Plan::new(site, Window::PILOT); quota.beneficiaries];
    for plan in plans.iter_mut().take(quota.women) {
        plan.sex = Sex::Woman;
    }
    for plan in plans.iter_mut().skip(quota.women).take(quota.sex_missing) {
        plan.sex = Sex::Missing;
    }
    draw.shuffle(&mut plans);
    for plan in plans.iter_mut().take(quota.reintegration) {
        plan.reintegration = true;
    }
    if site == KAMPOT {
        plans.iter_mut().take(4).for_each(|plan| plan.trial = true);
    }
    draw.shuffle(&mut plans);
    for (nth, plan) in plans.iter_mut().take(quota.beep).enumerate() {
        let completed = if site == CC4 {
            nth < 5
        } else {
            draw.percent(15)
        };
        plan.beep = Some(if completed {
            Beep::Completed
        } else {
            Beep::Underway
        });
        if site == CC4 {
            plan.window = cc4_beep(completed);
        }
    }
    for plan in plans.iter_mut().skip(quota.beep).take(quota.english) {
        plan.english = english.pop();
        if plan.english == Some(English::StillIn) {
            plan.window.start_first = Day::new(2025, 6, 2);
        } else if plan.english == Some(English::ReleasedBeforeExam) {
            plan.window.end = Day::new(2025, 12, 1);
        }
    }
    for plan in &mut plans {
        plan.digital = plan.is_free() || draw.percent(36);
    }
    plans
}

/// BEEP at CC4 is published for the middle of 2025: all were enrolled by then, five had completed
/// and the twelve others were still there.
fn cc4_beep(completed: bool) -> Window {
    let start_first = Day::new(2024, 1, 8);
    if completed {
        return Window {
            start_first,
            end: Day::new(2025, 6, 20),
            ..Window::PILOT
        };
    }
    Window {
        start_first: Day::new(2024, 9, 2),
        start_last: Day::new(2025, 5, 30),
        stays_until: Day::new(2025, 7, 7),
        ..Window::PILOT
    }
}

/// 640 people declare an aspiration and 301 of them a micro-business, with the two who moved: one
/// of each kind. Thirty change their mind later.
fn deal_aspirations(plans: &mut [Plan], draw: &mut Draw) {
    let mut order: Vec<usize> = (0..plans.len()).collect();
    draw.shuffle(&mut order);
    for (nth, &index) in order.iter().take(638).enumerate() {
        let first = if nth < 300 {
            MICRO_BUSINESS
        } else {
            draw.pick(&OTHER_ASPIRATIONS)
        };
        plans[index].aspiration = Some(first);
        if (290..320).contains(&nth) {
            let changed = if first == MICRO_BUSINESS {
                "farming"
            } else {
                MICRO_BUSINESS
            };
            plans[index].aspiration_later = Some(changed);
        }
    }
}

/// 180 people of reintegration answer WHO-5 twice, with a mean change of 0.6 in item 1 (mood) and
/// of 0.3 in item 3 (energy), which is 12 and 6 points of 100. Others answer once.
fn deal_who5(plans: &mut [Plan], draw: &mut Draw) {
    const PAIRED: usize = 180;
    let mut order: Vec<usize> = (0..plans.len())
        .filter(|&n| plans[n].reintegration)
        .collect();
    draw.shuffle(&mut order);
    let changes: Vec<[i32; 5]> = {
        let mut item = |sum: Option<i32>| {
            let mut steps: Vec<i32> = (0..PAIRED).map(|_| draw.between(-1, 2)).collect();
            if let Some(sum) = sum {
                settle(&mut steps, sum, |_| (-1, 2));
            }
            steps
        };
        let (mood, energy) = (item(Some(108)), item(Some(54)));
        let (calm, rested, interest) = (item(None), item(None), item(None));
        (0..PAIRED)
            .map(|n| [mood[n], calm[n], energy[n], rested[n], interest[n]])
            .collect()
    };
    for (nth, &index) in order.iter().take(PAIRED + 80).enumerate() {
        let start = who5_answers(draw);
        if let Some(change) = changes.get(nth) {
            let mut end = start;
            end.iter_mut()
                .zip(change)
                .for_each(|(answer, step)| *answer += step);
            plans[index].who5_end = Some(end);
        } else if nth >= PAIRED + 72 {
            plans[index].who5_end = Some(start);
            continue;
        }
        plans[index].who5_start = Some(start);
    }
}

/// Answers that leave room for a change of -1 to 2.
fn who5_answers(draw: &mut Draw) -> [i32; 5] {
    std::array::from_fn(|_| draw.between(1, 3))
}

/// Eighteen of the learners of digital basics alone never came to a session.
fn deal_only(plans: &mut [Plan], draw: &mut Draw) {
    let mut order: Vec<usize> = (0..plans.len()).filter(|&n| plans[n].is_free()).collect();
    draw.shuffle(&mut order);
    for (nth, &index) in order.iter().take(18).enumerate() {
        plans[index].only = Some(if nth < 12 {
            Only::Logins
        } else {
            Only::PreTest
        });
    }
}

/// Moves whole numbers by one at a time, each within its bounds, until their sum is `sum` or no
/// bound leaves room.
pub(super) fn settle(numbers: &mut [i32], sum: i32, bounds: impl Fn(usize) -> (i32, i32)) {
    let mut missing = sum - numbers.iter().sum::<i32>();
    let mut moved = true;
    while missing != 0 && moved {
        moved = false;
        for (index, number) in numbers.iter_mut().enumerate() {
            let (low, high) = bounds(index);
            let next = *number + missing.signum();
            if missing != 0 && (low..=high).contains(&next) {
                *number = next;
                missing -= missing.signum();
                moved = true;
            }
        }
    }
}
