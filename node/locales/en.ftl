# The words of the screens in English. The three files have the same keys in the same order; a
# test compares them. Numbers are shown in Latin digits in every language.

## Every page

language-name = English
languages = Languages
to-home = To the first page
search-label = Find a learner by name or card number
search-button = Find
date = { $day } { $month } { $year }
date-month = { $month } { $year }
date-unknown = no date
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December
code-unknown = other ({ $number }), from a newer version
site = Prison

## The first page

role-prison = Prison
role-dgp = General Department of Prisons (DGP)
state-good = All is in order
state-look = Something needs your attention
warning-copies =
    { $count ->
        [one] A copy of this machine exists, or it was restored from a backup.
       *[other] Copies of this machine exist, or it was restored from a backup ({ $count } times).
    } Nothing is lost. Make sure that only one machine is in use, and tell the DGP.
warning-forks =
    { $count ->
        [one] Two machines have written as if they were one (1 time).
       *[other] Two machines have written as if they were one ({ $count } times).
    } Nothing is lost. Tell the DGP.
warning-aside =
    { $count ->
        [one] 1 piece that came from outside could not be used and was set aside.
       *[other] { $count } pieces that came from outside could not be used and were set aside.
    } The rest was taken. Tell the DGP.
aside-reasons = The last reasons, for a technician
this-machine = This machine
learners-here = learners here
learners-read = learners in all prisons
events-to-seal = new events waiting to be sealed
records-to-open = pieces of records waiting to be opened
kept-elsewhere = Where our data are also kept
held-by-none = Nowhere else yet: not all of it has reached another machine.
held-by-dgp = The DGP holds everything that was sealed here.
held-by-prisons =
    { $count ->
        [one] 1 prison holds everything that was sealed here.
       *[other] { $count } prisons hold everything that was sealed here.
    }
held-by-sites =
    { $count ->
        [one] 1 other prison holds everything that was sealed here; the DGP does not yet.
       *[other] { $count } other prisons hold everything that was sealed here; the DGP does not yet.
    }
held-by-sites-and-dgp =
    { $count ->
        [one] 1 other prison and the DGP hold everything that was sealed here.
       *[other] { $count } other prisons and the DGP hold everything that was sealed here.
    }
last-exchanges = Last complete exchange
data-of-sites = Data of each prison on this machine
data-through = Data through
no-data = no data yet
parts-missing = (parts are still on their way)
machine-copied = (a copy of its machine exists)
this-prison = (this prison)

## The list

search-title = Learners
search-nobody = No learner was found. Try fewer letters, or the other script.
search-more = Only the first { $count } are shown. Type more letters of the name.
name-unknown = Name not here yet
born-in = born in { $year }
sex-F = woman
sex-M = man

## A learner

place-here = Is here, at { $site }
place-elsewhere = Is at { $site }
place-departed = Has left: { $to }
place-several = Recorded at several prisons at once: { $sites }
place-released = Has been released
place-unknown = It is not known here where this learner is
destination-site = to { $site }
destination-without-node = to a prison without this system
destination-released = released
destination-unknown = it was not said where to
fact-sex = Sex
fact-born = Born
fact-education = School before
fact-card = Card number
education-none = no school
education-primary = primary school
education-lower-secondary = lower secondary school
education-upper-secondary = upper secondary school
education-higher = higher education
to-receipt = Receipt of the last move, to print
notices = Please note
notice-opening = Parts of the record are waiting to be opened. Look again in a few minutes.
notice-awaited = The record is still on its way. It joins by itself when it comes.
notice-several = Several prisons say that this learner is with them. Speak with them.
notice-no-consent = This learner has withdrawn from taking part.
notice-disagree = Two values were recorded for the same thing. Decide which one is right.
notice-late-important =
    { $count ->
        [one] 1 important event came after the departure and waits for a decision.
       *[other] { $count } important events came after the departure and wait for a decision.
    }
notice-provisional =
    { $count ->
        [one] 1 result waits for the signature of a second person and does not count yet.
       *[other] { $count } results wait for the signature of a second person and do not count yet.
    }
notice-late =
    { $count ->
        [one] 1 event was recorded after the departure.
       *[other] { $count } events were recorded after the departure.
    }
notice-newer =
    { $count ->
        [one] 1 event was written by a newer version: update this machine to read it.
       *[other] { $count } events were written by a newer version: update this machine to read them.
    }
notice-undated =
    { $count ->
        [one] 1 event has no date.
       *[other] { $count } events have no date.
    }
notice-disputed =
    { $count ->
        [one] 1 event came in two different forms. Tell the DGP.
       *[other] { $count } events came in two different forms. Tell the DGP.
    }
notice-loans =
    { $count ->
        [one] 1 library item has not been brought back.
       *[other] { $count } library items have not been brought back.
    }
notice-links =
    { $count ->
        [one] 1 other record may be of the same person.
       *[other] { $count } other records may be of the same person.
    }
stays = Stays
stay-arrived = Arrived
stay-arrived-from = { $date }, from { $site }
stay-no-arrival = not here yet
stay-left = Left
stay-left-to = { $date }, { $to }
stay-open = still there
progress = Progress
no-progress = Nothing has been recorded yet.
module = Module
sessions-attended = Sessions attended
sessions-done = Sessions finished
tests = Best test results
state = State
module-done-on = finished ({ $date })
module-under-way = under way
enrolled = Enrolled at { $site }: { $what } ({ $date })
withdrew = Left the programme: { $reason }
withdrawal-own-choice = own choice
withdrawal-work = work
withdrawal-timetable = timetable
withdrawal-changed-programme = changed to another programme
withdrawal-not-stated = no reason given
days-at-computer =
    { $count ->
        [one] 1 day at a computer
       *[other] { $count } days at a computer
    }
classes-attended =
    { $count ->
        [one] 1 class attended
       *[other] { $count } classes attended
    }
library-visits =
    { $count ->
        [one] 1 visit to the library
       *[other] { $count } visits to the library
    }
test-pre-test = before the module
test-post-test = after the module
test-quiz = quiz
test-result = { $test }: { $points } of { $max } (version { $version })
exams = Official exams
exam-line = { $what }, sitting { $sitting }: { $outcome }
exam-sitting-unknown = not known
exam-open = registered, no result yet
outcome-passed = passed
outcome-failed = not passed
outcome-absent = absent
opened = Who opened this record
opened-line = { $date }, { $site }: { $who }, { $why }
opened-by-officer = officer { $number }
opened-by-nobody = somebody at that prison's computer
purpose-not-said = no reason given
purpose-teaching = for teaching
purpose-transfer = for a move
purpose-learner-asked = the learner asked for it
purpose-correction = for a correction
purpose-signing = to sign a result
purpose-audit = for a review
purpose-keys-given = another prison asked for it
certificates = Certificates
certificate-line = { $what }: { $issuer }, { $date }
issuer-moeys = Ministry of Education, Youth and Sport
issuer-pannasastra = Paññāsāstra University
issuer-provider = the provider of the class
issuer-education-centre = the education centre

## The catalogue

programme-beep = Basic Education Equivalency (BEEP)
programme-english = English
programme-digital = Digital basics
programme-reintegration = Reintegration
programme-literacy = Literacy classes
programme-vocational = Vocational training
programme-orientation = Vocational orientation
programme-library = Library
programme-unknown = Programme { $number }
module-khmer = Khmer
module-math-1 = Mathematics I
module-math-2 = Mathematics II
module-chemistry = Chemistry
module-gender = Gender
module-physics = Physics
module-fundamental-skills = Fundamental skills
module-a1 = Level A1
module-a2 = Level A2
module-digital-basics = Digital basics
module-self-awareness = Self-awareness
module-emotional-regulation = Emotional regulation
module-personal-finance = Personal finance
module-job-search = Job search
module-micro-business = Starting a micro-business
module-safe-reintegration = Safe reintegration
module-slot-7 = Module 7 (no title yet)
module-slot-8 = Module 8 (no title yet)
module-unknown = Module { $number }

## The receipt

receipt-title = Receipt of a move
receipt-learner = Learner
receipt-date = Date
receipt-arrived = Arrived
receipt-departed = Left
receipt-at = At
receipt-from = From
receipt-left = From
receipt-to = Where to
receipt-no-move = No arrival or departure has been recorded here.
receipt-several = The prisons contradict each other. All that they recorded is shown.
receipt-record-here = The learning record is here.
receipt-record-opening = The learning record is here; parts of it are still being opened.
receipt-record-awaited = The learning record is still on its way. It joins by itself when it comes.
receipt-issued = Issued by { $site }. This paper opens nothing and is no transfer slip.
receipt-officer = Officer: name, date, signature
receipt-signed-by-learner = Learner: signature or thumbprint
receipt-print = To print this page, press Ctrl and P.
to-learner = To the learner

## A learner's password

password-title = Change your password
password-about = Type your user name and your present password, then a new one twice. Nobody else sees it. If you have forgotten your password, ask an officer.
password-present = Present password
password-new = New password
password-again = New password once more
password-button = Change
password-changed = Your password is changed. Sign in with the new one from now on.
password-not-in-moodle = Your password is changed here, but Moodle did not take it. Try again later, with the new one as the present one; choose a longer one with capitals, small letters, digits and a sign such as -.
password-wrong = The user name or the present password is not right. Nothing was changed. Try again, or ask an officer.
password-differ = The two new passwords are not the same. Nothing was changed. Type the new one twice.
password-short = The new password is too short. Nothing was changed. Choose one of at least { $count } letters.
password-long = The password is too long. Nothing was changed. Choose one of at most { $count } signs (a Khmer letter counts as three).
password-odd = The new password has signs that cannot be used. Nothing was changed. Use letters, digits and signs of the keyboard.
password-unreadable = Something is missing in the form. Nothing was changed. Fill in all of it.
password-wait =
    { $count ->
        [one] There were too many wrong passwords. Nothing was changed. Try again in 1 minute, or ask an officer.
       *[other] There were too many wrong passwords. Nothing was changed. Try again in { $count } minutes, or ask an officer.
    }
account-title = Account of a learner
account-name = User name
account-none = none yet
account-password = New password
account-once = This password is shown once. Write it down or print this page, and give it to the learner, who changes it himself. The old one is of no use any more.
account-about = He gets a new password, which is shown once. The old one is of no use any more. If he has no user name yet, he gets one.
account-button = Make a new password
account-not-in-moodle = The password is changed here, but Moodle did not take it. Make another one later.
account-stale = This form was too old. Nothing was changed. Try again.
to-account = Account and password

## What cannot be shown

no-page-title = There is no such page
no-page = Check the address, or go to the first page.
no-learner-title = This learner is not here
no-learner = No record of this learner can be shown on this machine. Check the card number. A learner who comes from another prison is admitted by his slip or his card first.
only-get-title = This cannot be done here
only-get = This page only shows. Nothing can be changed on it.
elsewhere-title = This was refused
elsewhere = The form came from another page. Nothing was changed. Open the learner's page here and try again.
busy-title = The machine is busy
busy = It has much to do just now. Try again in a minute. Nothing is lost.
broken-title = The page cannot be shown
broken = The machine met a problem and has written it down. Tell the person who looks after it.

## How a record stands, on pages and in the command line

record-open =
    { $count ->
        [one] open: 1 event
       *[other] open: { $count } events
    }
record-waiting-for-key = sealed, waiting for the key; the learner can work at once
record-waiting-for-segments =
    { $count ->
        [one] key here, waiting for 1 segment of { $site }: the next stick or link brings it
       *[other] key here, waiting for { $count } segments of { $site }: the next stick or link brings them
    }
record-withheld-no-agreement = restricted data withheld, because the learner did not agree that they move
record-withheld = withheld, because { $because }
record-provisional = provisional: the DGP is asked who this is
record-announced = announced by { $site }, left: { $since }
record-away = on the way { $to }, left: { $since }
record-overdue = overdue { $to }, left: { $since }
record-arrived = arrived at { $site }: { $since }
record-said-elsewhere = here, but { $site } says that he arrived there: if he left, record the departure; if he is here, call { $site }, or dispute it
record-disputed = disputed with { $site }
record-disputed-by-other = disputed: another prison says that he has not left it

## Who moves

moves-title = Who moves
moves-none = Nobody is on the way, and no record waits for anything.
to-moves = Who moves: announced, arrived, on the way

## On paper

paper-slip = Transfer slip
paper-number = Slip
paper-short-code = Short code
paper-from = From
paper-to = To
paper-day = Day of departure
paper-typed = to type or to read aloud
paper-slip-use = At the destination: scan one of the codes or type the letters, to admit the learner. The record opens at that prison and nowhere else.
paper-slip-further = A further slip: enter it after the same learner's first one. It opens other parts of his record.
paper-list = List for the escort
paper-list-use = No names stand here: the short code is on the card and on the slip.
paper-card = Learner's card
paper-request = Request of a new machine
paper-seal = Seal of its keys
paper-request-use = Send this paper to the DGP, and read the seal by telephone to somebody who knows your voice. Nothing on it is secret.

## The forms for KoboToolbox

kobo-form-intake = Intake
kobo-form-attendance = Attendance
kobo-form-test = Test before or after a module
kobo-form-who5 = Well-being (WHO-5)
kobo-form-exit = Before release
kobo-date = Date
kobo-date-constraint = This day has not come yet.
kobo-card = Card of the learner
kobo-card-hint = Scan the code on the card. Without a card, go on.
kobo-card-constraint = This is no learner’s card. Scan the code on the card, or leave it empty.
kobo-user-name = User name at the computers
kobo-user-name-hint = Without one, go on.
kobo-user-name-constraint = At most 32 letters.
kobo-name = Name of the learner
kobo-name-hint = Family name first, in Khmer or Latin letters.
kobo-name-constraint = At most 80 letters.
kobo-sex = Sex
kobo-born = Year of birth
kobo-born-constraint = A year of four digits, such as 1990.
kobo-consent = Does the learner agree to take part?
kobo-education = Highest school level reached
kobo-languages = Languages that the learner speaks
kobo-aspiration = What the learner wants to do after release
kobo-release-from = Release expected: first possible month
kobo-release-from-hint = Leave it empty where nobody knows.
kobo-release-to = Release expected: last possible month
kobo-release-to-constraint = This is before the first month.
kobo-programme = Programme
kobo-module = Module
kobo-session = Number of the session
kobo-session-constraint = A number from 1 to 999.
kobo-present = Learners present
kobo-test = Which test
kobo-version = Version of the test
kobo-version-hint = The number on the test paper; 1 where there is none.
kobo-version-constraint = A number from 1 to 999.
kobo-max = Points that can be reached
kobo-max-constraint = More than 0.
kobo-score = Points reached
kobo-score-constraint = Not less than 0, and not more than can be reached.
kobo-interview = Which interview
kobo-departure = The departure itself is not recorded here: that is done at the prison’s Spean machine.
kobo-referrals = Referred to
kobo-handouts = Handed to the learner
kobo-remarks = Remarks
agreement-yes = yes
agreement-no = no
language-km = Khmer
language-en = English
language-fr = French
aspiration-micro-business = own small business
aspiration-farming = farming
aspiration-employment = a job with an employer
aspiration-craft = a craft
aspiration-construction = building work
aspiration-services = services
aspiration-further-study = to study further
aspiration-undecided = not decided yet
interview-who5-start = at the start
interview-who5-end = at the end
referral-provincial-education = Provincial education office
referral-provincial-labour = Provincial labour office
referral-mith-samlanh = Mith Samlanh
referral-mlop-tapang = Mlop Tapang
referral-vocational-centre = Vocational training centre
referral-employer = Employer
handout-certificate-copy = Copy of a certificate
handout-record-copy = Copy of the learning record
handout-job-search-guide = Guide to finding work
handout-business-guide = Guide to a small business
handout-contact-list = List of contacts
remark-good-progress = good progress
remark-needs-help = needs help
remark-helps-others = helps others
remark-often-absent = often absent
remark-ready-for-exam = ready for the exam
remark-needs-reading-help = needs help with reading

## Columns of registers

column-ref = Key
column-ref-hint = the row's own key in its register; the same key again is the same row
column-family-km = Family name (Khmer)
column-family-km-hint = in Khmer letters
column-given-km = Given name (Khmer)
column-given-km-hint = in Khmer letters
column-family-latin = Family name (Latin)
column-family-latin-hint = in Latin letters
column-given-latin = Given name (Latin)
column-given-latin-hint = in Latin letters
column-sex = Sex
column-sex-hint = F or M
column-born = Born
column-born-hint = a year, a month or a day: 1990, 1990-05 or 1990-05-17
column-education = Education
column-education-hint = none, primary, lower-secondary, upper-secondary or higher
column-languages = Languages
column-languages-hint = codes with blanks between: km fr en
column-arrived = Arrived
column-arrived-hint = the day on which he came here
column-card = Card number
column-card-hint = the 32 digits on a card that he has already
column-username = User name
column-username-hint = the name with which he signs in to the Moodle that is here already: it becomes his account
column-learner = Learner
column-learner-hint = his card's number, his user name, or his key in the file of learners
column-name = Name
column-name-hint = the whole name, the family name first; with the year of birth, where he has no number
column-date = Date
column-date-hint = a day: 2026-03-31 or 31/03/2026
column-kind = Kind
column-kind-hint = what happened, such as attended, quiz, certificate
column-programme = Programme
column-programme-hint = beep, english, digital, reintegration, literacy, vocational or orientation
column-module = Module
column-module-hint = a module of the programme, such as math-1
column-session = Session
column-session-hint = the session's number
column-score = Score
column-score-hint = the points reached
column-max = Out of
column-max-hint = the most points that there are
column-version = Version
column-version-hint = the test's version, a number: only the same are compared
column-value = Value
column-value-hint = what else the kind needs
column-provider = Provider
column-provider-hint = who held the class, a word of the list
column-test = Test
column-test-hint = pre-test, quiz or post-test
column-sitting = Sitting
column-sitting-hint = the exam's year and number, such as 2026-3
column-outcome = Outcome
column-outcome-hint = passed, failed or absent
column-item = Item
column-item-hint = the number on the item's label
column-lent = Lent
column-lent-hint = the day on which it was lent
column-returned = Returned
column-returned-hint = the day on which it came back; empty while it is out
column-title = Title
column-title-hint = the title
column-author = Author
column-author-hint = who wrote it
column-language = Language
column-language-hint = the code of its language: km, en, fr
column-copies = Copies
column-copies-hint = how many there are; 1 where it is empty
column-release-from = Release from
column-release-from-hint = the month from which release is expected: 2026-03
column-release-to = Release to
column-release-to-hint = the month up to which release is expected
