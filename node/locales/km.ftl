# The words of the screens in Khmer. The three files have the same keys in the same order; a
# test compares them. Numbers are shown in Latin digits in every language.

## Every page

language-name = ភាសាខ្មែរ
languages = ភាសា
to-home = ទៅទំព័រដើម
search-label = ស្វែងរកអ្នករៀនតាមឈ្មោះ ឬលេខកាត
search-button = ស្វែងរក
date = { $day } { $month } { $year }
date-month = { $month } { $year }
date-unknown = គ្មានកាលបរិច្ឆេទ
month-1 = មករា
month-2 = កុម្ភៈ
month-3 = មីនា
month-4 = មេសា
month-5 = ឧសភា
month-6 = មិថុនា
month-7 = កក្កដា
month-8 = សីហា
month-9 = កញ្ញា
month-10 = តុលា
month-11 = វិច្ឆិកា
month-12 = ធ្នូ
code-unknown = ផ្សេងទៀត ({ $number }) ពីកម្មវិធីជំនាន់ថ្មី
site = ពន្ធនាគារ

## The first page

role-prison = ពន្ធនាគារ
role-dgp = អគ្គនាយកដ្ឋានពន្ធនាគារ
state-good = អ្វីៗដំណើរការល្អ
state-look = មានរឿងដែលត្រូវពិនិត្យ
warning-copies = មានច្បាប់ចម្លងនៃម៉ាស៊ីននេះ ឬម៉ាស៊ីនត្រូវបានស្តារពីច្បាប់បម្រុងទុក ({ $count } ដង)។ ទិន្នន័យមិនបាត់ទេ។ សូមប្រើម៉ាស៊ីនតែមួយ ហើយប្រាប់អគ្គនាយកដ្ឋាន។
warning-forks = ម៉ាស៊ីនពីរបានសរសេរទិន្នន័យក្នុងនាមតែមួយ ({ $count } ដង)។ ទិន្នន័យមិនបាត់ទេ។ សូមប្រាប់អគ្គនាយកដ្ឋាន។
warning-aside = បំណែកទិន្នន័យចំនួន { $count } ពីខាងក្រៅ ប្រើមិនបាន ហើយត្រូវបានដាក់ដោយឡែក។ ទិន្នន័យផ្សេងទៀតបានទទួលហើយ។ សូមប្រាប់អគ្គនាយកដ្ឋាន។
aside-reasons = មូលហេតុចុងក្រោយ សម្រាប់អ្នកបច្ចេកទេស (ជាភាសាអង់គ្លេស)
this-machine = ម៉ាស៊ីននេះ
learners-here = អ្នករៀននៅទីនេះ
learners-read = អ្នករៀននៅពន្ធនាគារទាំងអស់
events-to-seal = ព្រឹត្តិការណ៍ថ្មីរង់ចាំបិទត្រា
records-to-open = ចំណែកកំណត់ត្រារង់ចាំបើក
kept-elsewhere = កន្លែងផ្សេងដែលរក្សាទុកទិន្នន័យរបស់យើង
held-by-none = មិនទាន់មានទេ៖ ទិន្នន័យមិនទាន់ទៅដល់ម៉ាស៊ីនផ្សេងគ្រប់ចំនួនទេ។
held-by-dgp = អគ្គនាយកដ្ឋានមានទិន្នន័យទាំងអស់ដែលបានបិទត្រានៅទីនេះ។
held-by-prisons = ពន្ធនាគារចំនួន { $count } មានទិន្នន័យទាំងអស់ដែលបានបិទត្រានៅទីនេះ។
held-by-sites = ពន្ធនាគារផ្សេងទៀតចំនួន { $count } មានទិន្នន័យទាំងអស់ដែលបានបិទត្រានៅទីនេះ។ អគ្គនាយកដ្ឋានមិនទាន់មានគ្រប់ទេ។
held-by-sites-and-dgp = ពន្ធនាគារផ្សេងទៀតចំនួន { $count } និងអគ្គនាយកដ្ឋាន មានទិន្នន័យទាំងអស់ដែលបានបិទត្រានៅទីនេះ។
last-exchanges = ការផ្លាស់ប្តូរទិន្នន័យពេញលេញចុងក្រោយ
data-of-sites = ទិន្នន័យរបស់ពន្ធនាគារនីមួយៗនៅលើម៉ាស៊ីននេះ
data-through = ទិន្នន័យគិតត្រឹម
no-data = មិនទាន់មានទិន្នន័យ
parts-missing = (ចំណែកខ្លះមិនទាន់មកដល់)
machine-copied = (មានច្បាប់ចម្លងនៃម៉ាស៊ីន)
this-prison = (ពន្ធនាគារនេះ)

## The list

search-title = អ្នករៀន
search-nobody = រកមិនឃើញអ្នករៀនទេ។ សូមវាយអក្សរឱ្យតិចជាងនេះ ឬប្រើអក្សរម្យ៉ាងទៀត (ខ្មែរ ឬឡាតាំង)។
search-more = បង្ហាញតែ { $count } នាក់ដំបូង។ សូមវាយឈ្មោះឱ្យវែងជាងនេះ។
name-unknown = មិនទាន់មានឈ្មោះនៅទីនេះ
born-in = កើតឆ្នាំ { $year }
sex-F = ស្រី
sex-M = ប្រុស

## A learner

place-here = នៅទីនេះ ({ $site })
place-elsewhere = នៅ { $site }
place-departed = បានចាកចេញ៖ { $to }
place-several = មានឈ្មោះនៅពន្ធនាគារច្រើនក្នុងពេលតែមួយ៖ { $sites }
place-released = ត្រូវបានដោះលែងហើយ
place-unknown = នៅទីនេះមិនដឹងថាអ្នករៀននេះនៅទីណាទេ
destination-site = ទៅ { $site }
destination-without-node = ទៅពន្ធនាគារដែលមិនទាន់មានប្រព័ន្ធនេះ
destination-released = ត្រូវបានដោះលែង
destination-unknown = មិនបានបញ្ជាក់ថាទៅណា
fact-sex = ភេទ
fact-born = ថ្ងៃខែឆ្នាំកំណើត
fact-education = កម្រិតវប្បធម៌
fact-card = លេខកាត
education-none = មិនបានរៀន
education-primary = បឋមសិក្សា
education-lower-secondary = មធ្យមសិក្សាបឋមភូមិ
education-upper-secondary = មធ្យមសិក្សាទុតិយភូមិ
education-higher = ឧត្តមសិក្សា
to-receipt = បង្កាន់ដៃនៃការផ្លាស់ទីចុងក្រោយ សម្រាប់បោះពុម្ព
notices = សូមកត់សម្គាល់
notice-opening = ចំណែកខ្លះនៃកំណត់ត្រារង់ចាំបើក។ សូមមើលម្តងទៀតក្នុងពេលបន្តិចទៀត។
notice-awaited = កំណត់ត្រាមិនទាន់មកដល់ទេ។ វានឹងចូលដោយស្វ័យប្រវត្តិ ពេលមកដល់។
notice-several = ពន្ធនាគារច្រើនកត់ត្រាថាអ្នករៀននេះនៅជាមួយខ្លួន។ សូមទាក់ទងគ្នា។
notice-no-consent = អ្នករៀននេះលែងចង់ចូលរួម។
notice-disagree = មានព័ត៌មានពីរផ្សេងគ្នាអំពីរឿងតែមួយ។ សូមសម្រេចថាមួយណាត្រឹមត្រូវ។
notice-late-important = ព្រឹត្តិការណ៍សំខាន់ { $count } មកក្រោយពេលចាកចេញ ហើយរង់ចាំការសម្រេច។
notice-provisional = លទ្ធផល { $count } រង់ចាំហត្ថលេខារបស់មនុស្សទីពីរ ហើយមិនទាន់រាប់បញ្ចូលទេ។
notice-late = ព្រឹត្តិការណ៍ { $count } ត្រូវបានកត់ត្រាក្រោយពេលចាកចេញ។
notice-newer = ព្រឹត្តិការណ៍ { $count } សរសេរដោយកម្មវិធីជំនាន់ថ្មី។ សូមធ្វើបច្ចុប្បន្នភាពម៉ាស៊ីននេះ ដើម្បីអានវា។
notice-undated = ព្រឹត្តិការណ៍ { $count } គ្មានកាលបរិច្ឆេទ។
notice-disputed = ព្រឹត្តិការណ៍ { $count } មកដល់ជាពីរទម្រង់ខុសគ្នា។ សូមប្រាប់អគ្គនាយកដ្ឋាន។
notice-loans = សៀវភៅ ឬសម្ភារៈបណ្ណាល័យ { $count } មិនទាន់បានសងវិញ។
notice-links = កំណត់ត្រាផ្សេង { $count } អាចជារបស់មនុស្សតែមួយ។
stays = ពន្ធនាគារដែលបានស្នាក់នៅ
stay-arrived = មកដល់
stay-arrived-from = { $date } មកពី { $site }
stay-no-arrival = មិនទាន់មាននៅទីនេះ
stay-left = ចាកចេញ
stay-left-to = { $date } { $to }
stay-open = នៅទីនោះនៅឡើយ
progress = វឌ្ឍនភាពការសិក្សា
no-progress = មិនទាន់មានការកត់ត្រាទេ។
module = មុខវិជ្ជា
sessions-attended = មេរៀនដែលបានចូលរៀន
sessions-done = មេរៀនដែលបានបញ្ចប់
tests = លទ្ធផលតេស្តល្អបំផុត
state = ស្ថានភាព
module-done-on = បានបញ្ចប់ ({ $date })
module-under-way = កំពុងរៀន
enrolled = ចុះឈ្មោះនៅ { $site }៖ { $what } ({ $date })
withdrew = បានឈប់រៀនកម្មវិធីនេះ៖ { $reason }
withdrawal-own-choice = តាមចិត្តខ្លួនឯង
withdrawal-work = ការងារ
withdrawal-timetable = កាលវិភាគ
withdrawal-changed-programme = ប្តូរទៅកម្មវិធីផ្សេង
withdrawal-not-stated = មិនបានប្រាប់មូលហេតុ
days-at-computer = រៀននៅកុំព្យូទ័រ { $count } ថ្ងៃ
classes-attended = បានចូលរៀន { $count } ដង
library-visits = បានចូលបណ្ណាល័យ { $count } ដង
test-pre-test = តេស្តមុនរៀន
test-post-test = តេស្តក្រោយរៀន
test-quiz = តេស្តខ្លី
test-result = { $test }៖ { $points } លើ { $max } (ជំនាន់ { $version })
exams = ការប្រឡងផ្លូវការ
exam-line = { $what } សម័យប្រឡង { $sitting }៖ { $outcome }
exam-sitting-unknown = មិនដឹង
exam-open = បានចុះឈ្មោះ មិនទាន់មានលទ្ធផល
outcome-passed = ជាប់
outcome-failed = ធ្លាក់
outcome-absent = អវត្តមាន
opened = អ្នកដែលបានបើកកំណត់ត្រានេះ
opened-line = { $date } { $site }៖ { $who } { $why }
opened-by-officer = មន្ត្រីលេខ { $number }
opened-by-nobody = នរណាម្នាក់នៅកុំព្យូទ័ររបស់ពន្ធនាគារនោះ
purpose-not-said = មិនបានប្រាប់មូលហេតុ
purpose-teaching = សម្រាប់ការបង្រៀន
purpose-transfer = សម្រាប់ការផ្លាស់ទី
purpose-learner-asked = អ្នករៀនបានស្នើសុំ
purpose-correction = សម្រាប់ការកែតម្រូវ
purpose-signing = ដើម្បីចុះហត្ថលេខាលើលទ្ធផល
purpose-audit = សម្រាប់ការត្រួតពិនិត្យ
purpose-keys-given = ពន្ធនាគារផ្សេងបានស្នើសុំ
certificates = វិញ្ញាបនបត្រ
certificate-line = { $what }៖ { $issuer } { $date }
issuer-moeys = ក្រសួងអប់រំ យុវជន និងកីឡា
issuer-pannasastra = សាកលវិទ្យាល័យបញ្ញាសាស្ត្រ
issuer-provider = អង្គភាពដែលបង្រៀន
issuer-education-centre = មជ្ឈមណ្ឌលអប់រំ

## The catalogue

programme-beep = កម្មវិធីសមមូលអប់រំមូលដ្ឋាន (BEEP)
programme-english = ភាសាអង់គ្លេស
programme-digital = ជំនាញឌីជីថលមូលដ្ឋាន
programme-reintegration = សមាហរណកម្មសង្គម
programme-literacy = ថ្នាក់អក្ខរកម្ម
programme-vocational = បណ្តុះបណ្តាលវិជ្ជាជីវៈ
programme-orientation = តម្រង់ទិសវិជ្ជាជីវៈ
programme-library = បណ្ណាល័យ
programme-unknown = កម្មវិធីទី { $number }
module-khmer = ភាសាខ្មែរ
module-math-1 = គណិតវិទ្យា I
module-math-2 = គណិតវិទ្យា II
module-chemistry = គីមីវិទ្យា
module-gender = យេនឌ័រ
module-physics = រូបវិទ្យា
module-fundamental-skills = ជំនាញមូលដ្ឋាន
module-a1 = កម្រិត A1
module-a2 = កម្រិត A2
module-digital-basics = ជំនាញឌីជីថលមូលដ្ឋាន
module-self-awareness = ការស្គាល់ខ្លួនឯង
module-emotional-regulation = ការគ្រប់គ្រងអារម្មណ៍
module-personal-finance = ហិរញ្ញវត្ថុផ្ទាល់ខ្លួន
module-job-search = ការស្វែងរកការងារ
module-micro-business = ការបើកមុខរបរខ្នាតតូច
module-safe-reintegration = សមាហរណកម្មដោយសុវត្ថិភាព
module-slot-7 = មុខវិជ្ជាទី 7 (មិនទាន់មានចំណងជើង)
module-slot-8 = មុខវិជ្ជាទី 8 (មិនទាន់មានចំណងជើង)
module-unknown = មុខវិជ្ជាទី { $number }

## The receipt

receipt-title = បង្កាន់ដៃនៃការផ្លាស់ទី
receipt-learner = អ្នករៀន
receipt-date = កាលបរិច្ឆេទ
receipt-arrived = មកដល់
receipt-departed = ចាកចេញ
receipt-at = នៅ
receipt-from = មកពី
receipt-left = ចេញពី
receipt-to = ទិសដៅ
receipt-no-move = មិនទាន់មានការកត់ត្រាអំពីការមកដល់ ឬការចាកចេញនៅទីនេះទេ។
receipt-several = ពន្ធនាគារកត់ត្រាផ្ទុយគ្នា។ ទំព័រនេះបង្ហាញអ្វីៗទាំងអស់ដែលបានកត់ត្រា។
receipt-record-here = កំណត់ត្រាការសិក្សានៅទីនេះហើយ។
receipt-record-opening = កំណត់ត្រាការសិក្សានៅទីនេះហើយ។ ចំណែកខ្លះកំពុងបើក។
receipt-record-awaited = កំណត់ត្រាការសិក្សាមិនទាន់មកដល់ទេ។ វានឹងចូលដោយស្វ័យប្រវត្តិ ពេលមកដល់។
receipt-issued = ចេញដោយ { $site }។ ក្រដាសនេះមិនអាចបើកអ្វីបានទេ ហើយមិនមែនជាសន្លឹកផ្ទេរទេ។
receipt-officer = មន្ត្រី៖ ឈ្មោះ កាលបរិច្ឆេទ ហត្ថលេខា
receipt-signed-by-learner = អ្នករៀន៖ ហត្ថលេខា ឬស្នាមមេដៃ
receipt-print = ដើម្បីបោះពុម្ពទំព័រនេះ សូមចុច Ctrl និង P។
to-learner = ទៅទំព័រអ្នករៀន

## ពាក្យសម្ងាត់របស់អ្នករៀន

password-title = ប្តូរពាក្យសម្ងាត់របស់អ្នក
password-about = សូមវាយឈ្មោះប្រើប្រាស់ និងពាក្យសម្ងាត់បច្ចុប្បន្ន បន្ទាប់មកវាយពាក្យសម្ងាត់ថ្មីពីរដង។ គ្មានអ្នកណាផ្សេងមើលឃើញទេ។ ប្រសិនបើអ្នកភ្លេចពាក្យសម្ងាត់ សូមសួរមន្ត្រី។
password-present = ពាក្យសម្ងាត់បច្ចុប្បន្ន
password-new = ពាក្យសម្ងាត់ថ្មី
password-again = ពាក្យសម្ងាត់ថ្មី ម្តងទៀត
password-button = ប្តូរ
password-changed = ពាក្យសម្ងាត់របស់អ្នកបានប្តូររួចហើយ។ ចាប់ពីពេលនេះ សូមប្រើពាក្យសម្ងាត់ថ្មី។
password-not-in-moodle = ពាក្យសម្ងាត់របស់អ្នកបានប្តូរនៅទីនេះ ប៉ុន្តែ Moodle មិនបានទទួលទេ។ សូមសាកម្តងទៀតពេលក្រោយ ដោយប្រើពាក្យថ្មីជាពាក្យបច្ចុប្បន្ន។ សូមជ្រើសពាក្យវែងជាងនេះ ដែលមានអក្សរធំ អក្សរតូច លេខ និងសញ្ញាដូចជា - ។
password-wrong = ឈ្មោះប្រើប្រាស់ ឬពាក្យសម្ងាត់បច្ចុប្បន្នមិនត្រឹមត្រូវទេ។ គ្មានអ្វីត្រូវបានប្តូរទេ។ សូមសាកម្តងទៀត ឬសួរមន្ត្រី។
password-differ = ពាក្យសម្ងាត់ថ្មីទាំងពីរមិនដូចគ្នាទេ។ គ្មានអ្វីត្រូវបានប្តូរទេ។ សូមវាយពាក្យសម្ងាត់ថ្មីពីរដង។
password-short = ពាក្យសម្ងាត់ថ្មីខ្លីពេក។ គ្មានអ្វីត្រូវបានប្តូរទេ។ សូមជ្រើសពាក្យដែលមានយ៉ាងតិច { $count } អក្សរ។
password-long = ពាក្យសម្ងាត់វែងពេក។ គ្មានអ្វីត្រូវបានប្តូរទេ។ សូមជ្រើសពាក្យដែលមានយ៉ាងច្រើន { $count } តួ (អក្សរខ្មែរមួយរាប់ជាបី)។
password-odd = ពាក្យសម្ងាត់ថ្មីមានសញ្ញាដែលប្រើមិនបាន។ គ្មានអ្វីត្រូវបានប្តូរទេ។ សូមប្រើអក្សរ លេខ និងសញ្ញានៅលើក្តារចុច។
password-unreadable = ក្នុងទម្រង់បែបបទនេះនៅខ្វះអ្វីមួយ។ គ្មានអ្វីត្រូវបានប្តូរទេ។ សូមបំពេញទាំងអស់។
password-wait = មានពាក្យសម្ងាត់ខុសច្រើនដងពេក។ គ្មានអ្វីត្រូវបានប្តូរទេ។ សូមសាកម្តងទៀតក្នុង { $count } នាទី ឬសួរមន្ត្រី។
account-title = គណនីរបស់អ្នករៀន
account-name = ឈ្មោះប្រើប្រាស់
account-none = មិនទាន់មាន
account-password = ពាក្យសម្ងាត់ថ្មី
account-once = ពាក្យសម្ងាត់នេះបង្ហាញតែម្តងគត់។ សូមកត់ទុក ឬបោះពុម្ពទំព័រនេះ ហើយប្រគល់ឱ្យអ្នករៀន ដែលនឹងប្តូរវាដោយខ្លួនឯង។ ពាក្យចាស់ប្រើលែងបានហើយ។
account-about = អ្នករៀននឹងទទួលបានពាក្យសម្ងាត់ថ្មី ដែលបង្ហាញតែម្តងគត់។ ពាក្យចាស់នឹងប្រើលែងបាន។ ប្រសិនបើមិនទាន់មានឈ្មោះប្រើប្រាស់ទេ នោះនឹងទទួលបានមួយ។
account-button = បង្កើតពាក្យសម្ងាត់ថ្មី
account-not-in-moodle = ពាក្យសម្ងាត់បានប្តូរនៅទីនេះ ប៉ុន្តែ Moodle មិនបានទទួលទេ។ សូមបង្កើតពាក្យថ្មីម្តងទៀតពេលក្រោយ។
account-stale = ទម្រង់បែបបទនេះចាស់ពេក។ គ្មានអ្វីត្រូវបានប្តូរទេ។ សូមសាកម្តងទៀត។
to-account = គណនី និងពាក្យសម្ងាត់

## What cannot be shown

no-page-title = គ្មានទំព័រនេះទេ
no-page = សូមពិនិត្យអាសយដ្ឋាន ឬទៅទំព័រដើម។
no-learner-title = អ្នករៀននេះមិននៅទីនេះទេ
no-learner = ម៉ាស៊ីននេះមិនអាចបង្ហាញកំណត់ត្រារបស់អ្នករៀននេះទេ។ សូមពិនិត្យលេខកាត។ អ្នករៀនដែលមកពីពន្ធនាគារផ្សេង ត្រូវទទួលតាមសន្លឹកផ្ទេរ ឬកាតជាមុនសិន។
only-get-title = ធ្វើនៅទីនេះមិនបានទេ
only-get = ទំព័រនេះសម្រាប់តែមើល។ មិនអាចកែអ្វីនៅលើវាទេ។
elsewhere-title = ត្រូវបានបដិសេធ
elsewhere = ទម្រង់បែបបទនេះមកពីទំព័រផ្សេង។ គ្មានអ្វីត្រូវបានប្តូរទេ។ សូមបើកទំព័ររបស់អ្នករៀននៅទីនេះ ហើយសាកម្តងទៀត។
busy-title = ម៉ាស៊ីនកំពុងរវល់
busy = ម៉ាស៊ីនមានការងារច្រើន។ សូមសាកម្តងទៀតក្នុងមួយនាទី។ ទិន្នន័យមិនបាត់ទេ។
broken-title = បង្ហាញទំព័រនេះមិនបានទេ
broken = ម៉ាស៊ីនជួបបញ្ហា ហើយបានកត់ត្រាទុក។ សូមប្រាប់អ្នកថែទាំម៉ាស៊ីន។

## ស្ថានភាពកំណត់ត្រា

record-open = បើកហើយ (ព្រឹត្តិការណ៍ { $count })
record-waiting-for-key = បិទហើយ រង់ចាំសោស ។ អ្នករៀនអាចរៀនភ្លាម
record-waiting-for-segments = សោនៅទីនេះហើយ រង់ចាំចំណែក { $count } ពី { $site }
record-withheld-no-agreement = ទិន្នន័យពិសេសមិនបានផ្ញើទេ ព្រោះអ្នករៀនមិនបានយល់ព្រម
record-withheld = មិនបានផ្ញើទេ ព្រោះ { $because }
record-provisional = បណ្តោះអាសន្ន៖ កំពុងសួរអគ្គនាយកដ្ឋានថាជាអ្នកណា
record-announced = { $site } បានជូនដំណឹង ចាកចេញ៖ { $since }
record-away = កំពុងធ្វើដំណើរ { $to } ចាកចេញ៖ { $since }
record-overdue = មិនទាន់ទៅដល់ { $to } ចាកចេញ៖ { $since }
record-arrived = បានទៅដល់ { $site }៖ { $since }
record-said-elsewhere = នៅទីនេះ ប៉ុន្តែ { $site } ថាបានទទួល ។ បើចាកចេញហើយ ត្រូវកត់ការចាកចេញ បើនៅទីនេះ ត្រូវហៅទៅ { $site } ឬតវ៉ា
record-disputed = មិនយល់ស្របជាមួយ { $site }
record-disputed-by-other = មិនយល់ស្រប៖ ពន្ធនាគារមួយទៀតថាគាត់មិនទាន់ចេញទេ

## អ្នករោគិន

moves-title = អ្នកដែលកំពុងផ្លាស់ទី
moves-none = គ្មានអ្នកណាកំពុងធ្វើដំណើរទេ
to-moves = អ្នកដែលកំពុងផ្លាស់ទី៖ ជូនដំណឹង មកដល់ ធ្វើដំណើរ

## On paper: what has no space between its words has marks of no width, where a line may end

paper-slip = សន្លឹកផ្ទេរ
paper-number = សន្លឹកទី
paper-short-code = លេខសម្គាល់ខ្លី
paper-from = ចេញពី
paper-to = ទៅ
paper-day = ថ្ងៃចាកចេញ
paper-typed = សម្រាប់វាយ ឬអានឱ្យស្តាប់
paper-slip-use = នៅ​ពន្ធនាគារ​ដែល​ទៅ​ដល់៖ សូម​ស្កេន​កូដ​ណា​មួយ ឬ​វាយ​អក្សរ​ខាង​លើ ដើម្បី​ទទួល​អ្នក​រៀន។ កំណត់ត្រា​បើក​បាន​តែ​នៅ​ពន្ធនាគារ​នោះ។
paper-slip-further = នេះ​ជា​សន្លឹក​បន្ថែម៖ សូម​បញ្ចូល​វា​ក្រោយ​សន្លឹក​ដំបូង​របស់​អ្នក​រៀន​ដដែល។ វា​បើក​ចំណែក​ផ្សេង​ទៀត​នៃ​កំណត់ត្រា​របស់​គាត់។
paper-list = បញ្ជីសម្រាប់អ្នកនាំផ្លូវ
paper-list-use = គ្មាន​ឈ្មោះ​លើ​បញ្ជី​នេះ​ទេ៖ លេខ​សម្គាល់​ខ្លី​មាន​លើ​កាត និង​លើ​សន្លឹក​ផ្ទេរ។
paper-card = កាតអ្នករៀន
paper-request = សំណើចុះឈ្មោះម៉ាស៊ីនថ្មី
paper-seal = ត្រានៃសោរបស់វា
paper-request-use = សូម​ផ្ញើ​ក្រដាស​នេះ​ទៅ​អគ្គនាយកដ្ឋាន ហើយ​អាន​ត្រា​ខាង​លើ​តាម​ទូរស័ព្ទ ឱ្យ​អ្នក​ដែល​ស្គាល់​សំឡេង​របស់​អ្នក​ស្តាប់។ គ្មាន​អ្វី​សម្ងាត់​លើ​ក្រដាស​នេះ​ទេ។

## Columns of registers

column-ref = លេខសម្គាល់
column-ref-hint = លេខសម្គាល់ជួរនេះក្នុងបញ្ជី; លេខដដែលគឺជួរដដែល
column-family-km = នាមត្រកូល (ខ្មែរ)
column-family-km-hint = ជាអក្សរខ្មែរ
column-given-km = នាមខ្លួន (ខ្មែរ)
column-given-km-hint = ជាអក្សរខ្មែរ
column-family-latin = នាមត្រកូល (ឡាតាំង)
column-family-latin-hint = ជាអក្សរឡាតាំង
column-given-latin = នាមខ្លួន (ឡាតាំង)
column-given-latin-hint = ជាអក្សរឡាតាំង
column-sex = ភេទ
column-sex-hint = F (ស្រី) ឬ M (ប្រុស)
column-born = ឆ្នាំកំណើត
column-born-hint = ឆ្នាំ ខែ ឬថ្ងៃ៖ 1990, 1990-05 ឬ 1990-05-17
column-education = កម្រិតវប្បធម៌
column-education-hint = none, primary, lower-secondary, upper-secondary ឬ higher
column-languages = ភាសា
column-languages-hint = កូដដោយដកឃ្លា៖ km fr en
column-arrived = ថ្ងៃមកដល់
column-arrived-hint = ថ្ងៃដែលគាត់មកដល់ទីនេះ
column-card = លេខកាត
column-card-hint = លេខ 32 ខ្ទង់លើកាតដែលមានរួចហើយ
column-username = ឈ្មោះគណនី
column-username-hint = ឈ្មោះដែលគាត់ប្រើចូល Moodle ដែលមានរួចហើយ; វានឹងក្លាយជាគណនីរបស់គាត់
column-learner = អ្នកសិក្សា
column-learner-hint = លេខកាត ឈ្មោះគណនី ឬលេខសម្គាល់ក្នុងបញ្ជីអ្នកសិក្សា
column-name = ឈ្មោះ
column-name-hint = ឈ្មោះពេញ នាមត្រកូលមុន; ជាមួយឆ្នាំកំណើត បើគ្មានលេខ
column-date = កាលបរិច្ឆេទ
column-date-hint = ថ្ងៃ៖ 2026-03-31 ឬ 31/03/2026
column-kind = ប្រភេទ
column-kind-hint = អ្វីដែលបានកើតឡើង ដូចជា attended, quiz, certificate
column-programme = កម្មវិធី
column-programme-hint = beep, english, digital, reintegration, literacy, vocational ឬ orientation
column-module = មុខវិជ្ជា
column-module-hint = មុខវិជ្ជានៃកម្មវិធី ដូចជា math-1
column-session = មេរៀនទី
column-session-hint = លេខរៀងនៃមេរៀន
column-score = ពិន្ទុ
column-score-hint = ពិន្ទុដែលទទួលបាន
column-max = ពិន្ទុអតិបរមា
column-max-hint = ពិន្ទុអតិបរមា
column-version = កំណែ
column-version-hint = លេខកំណែនៃតេស្ត
column-value = តម្លៃ
column-value-hint = អ្វីផ្សេងទៀតដែលត្រូវការ
column-provider = អ្នកផ្តល់សេវា
column-provider-hint = អ្នកបង្រៀន ពាក្យក្នុងបញ្ជី
column-test = តេស្ត
column-test-hint = pre-test, quiz ឬ post-test
column-sitting = សម័យប្រឡង
column-sitting-hint = ឆ្នាំនិងលេខសម័យប្រឡង ដូចជា 2026-3
column-outcome = លទ្ធផល
column-outcome-hint = passed, failed ឬ absent
column-item = លេខសៀវភៅ
column-item-hint = លេខលើស្លាកសៀវភៅ
column-lent = ថ្ងៃខ្ចី
column-lent-hint = ថ្ងៃដែលបានខ្ចី
column-returned = ថ្ងៃសង
column-returned-hint = ថ្ងៃដែលបានសង; ទុកទទេបើមិនទាន់សង
column-title = ចំណងជើង
column-title-hint = ចំណងជើង
column-author = អ្នកនិពន្ធ
column-author-hint = អ្នកនិពន្ធ
column-language = ភាសារបស់សៀវភៅ
column-language-hint = កូដភាសា៖ km, en, fr
column-copies = ចំនួនក្បាល
column-copies-hint = ចំនួនក្បាល; 1 បើទុកទទេ
column-release-from = ដោះលែងចាប់ពី
column-release-from-hint = ខែដែលរំពឹងថាដោះលែងចាប់ពី៖ 2026-03
column-release-to = ដោះលែងត្រឹម
column-release-to-hint = ខែដែលរំពឹងថាដោះលែងត្រឹម
