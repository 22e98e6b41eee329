# The words of the screens in French. The three files have the same keys in the same order; a
# test compares them. Numbers are shown in Latin digits in every language.

## Every page

language-name = Français
languages = Langues
to-home = Vers la première page
search-label = Chercher un apprenant par son nom ou son numéro de carte
search-button = Chercher
date = { $day } { $month } { $year }
date-month = { $month } { $year }
date-unknown = sans date
month-1 = janvier
month-2 = février
month-3 = mars
month-4 = avril
month-5 = mai
month-6 = juin
month-7 = juillet
month-8 = août
month-9 = septembre
month-10 = octobre
month-11 = novembre
month-12 = décembre
code-unknown = autre ({ $number }), d’une version plus récente
site = Prison

## The first page

role-prison = Prison
role-dgp = Direction générale des prisons (DGP)
state-good = Tout est en ordre
state-look = Quelque chose demande votre attention
warning-copies =
    { $count ->
        [one] Une copie de cette machine existe, ou la machine a été restaurée d’une sauvegarde.
       *[other] Des copies de cette machine existent, ou elle a été restaurée d’une sauvegarde ({ $count } fois).
    } Rien n’est perdu. Assurez-vous qu’une seule machine est en service et prévenez la DGP.
warning-forks =
    { $count ->
        [one] Deux machines ont écrit comme si elles n’en étaient qu’une (1 fois).
       *[other] Deux machines ont écrit comme si elles n’en étaient qu’une ({ $count } fois).
    } Rien n’est perdu. Prévenez la DGP.
warning-aside =
    { $count ->
        [one] 1 élément venu de l’extérieur n’a pas pu être utilisé et a été mis de côté.
       *[other] { $count } éléments venus de l’extérieur n’ont pas pu être utilisés et ont été mis de côté.
    } Le reste a été repris. Prévenez la DGP.
aside-reasons = Les dernières raisons, pour un technicien (en anglais)
this-machine = Cette machine
learners-here = apprenants ici
learners-read = apprenants dans toutes les prisons
events-to-seal = nouveaux événements à sceller
records-to-open = éléments de dossiers à ouvrir
kept-elsewhere = Où nos données sont aussi gardées
held-by-none = Nulle part ailleurs encore : tout n’est pas arrivé sur une autre machine.
held-by-dgp = La DGP détient tout ce qui a été scellé ici.
held-by-prisons =
    { $count ->
        [one] { $count } prison détient tout ce qui a été scellé ici.
       *[other] { $count } prisons détiennent tout ce qui a été scellé ici.
    }
held-by-sites =
    { $count ->
        [one] 1 autre prison détient tout ce qui a été scellé ici ; la DGP pas encore.
       *[other] { $count } autres prisons détiennent tout ce qui a été scellé ici ; la DGP pas encore.
    }
held-by-sites-and-dgp =
    { $count ->
        [one] 1 autre prison et la DGP détiennent tout ce qui a été scellé ici.
       *[other] { $count } autres prisons et la DGP détiennent tout ce qui a été scellé ici.
    }
last-exchanges = Dernier échange complet
data-of-sites = Données de chaque prison sur cette machine
data-through = Données jusqu’au
no-data = pas encore de données
parts-missing = (des éléments sont encore en route)
machine-copied = (une copie de sa machine existe)
this-prison = (cette prison)

## The list

search-title = Apprenants
search-nobody = Aucun apprenant trouvé. Essayez avec moins de lettres, ou dans l’autre écriture.
search-more = Seuls les { $count } premiers sont affichés. Tapez plus de lettres du nom.
name-unknown = Nom pas encore arrivé
born-in = né(e) en { $year }
sex-F = femme
sex-M = homme

## A learner

place-here = Est ici, à { $site }
place-elsewhere = Est à { $site }
place-departed = Est parti(e) : { $to }
place-several = Inscrit(e) dans plusieurs prisons à la fois : { $sites }
place-released = A été libéré(e)
place-unknown = On ne sait pas ici où se trouve cette personne
destination-site = vers { $site }
destination-without-node = vers une prison sans ce système
destination-released = libération
destination-unknown = destination non indiquée
fact-sex = Sexe
fact-born = Naissance
fact-education = École auparavant
fact-card = Numéro de carte
education-none = pas d’école
education-primary = école primaire
education-lower-secondary = collège
education-upper-secondary = lycée
education-higher = études supérieures
to-receipt = Reçu du dernier mouvement, à imprimer
notices = À noter
notice-opening = Des parties du dossier attendent d’être ouvertes. Revenez dans quelques minutes.
notice-awaited = Le dossier est encore en route. Il se joindra de lui-même à son arrivée.
notice-several = Plusieurs prisons disent que cette personne est chez elles. Parlez-en avec elles.
notice-no-consent = Cette personne ne souhaite plus participer.
notice-disagree = Deux valeurs ont été notées pour la même chose. Décidez laquelle est juste.
notice-late-important =
    { $count ->
        [one] 1 événement important est venu après le départ et attend une décision.
       *[other] { $count } événements importants sont venus après le départ et attendent une décision.
    }
notice-provisional =
    { $count ->
        [one] 1 résultat attend la signature d’une deuxième personne et ne compte pas encore.
       *[other] { $count } résultats attendent la signature d’une deuxième personne et ne comptent pas encore.
    }
notice-late =
    { $count ->
        [one] 1 événement a été noté après le départ.
       *[other] { $count } événements ont été notés après le départ.
    }
notice-newer =
    { $count ->
        [one] 1 événement vient d’une version plus récente : mettez cette machine à jour pour le lire.
       *[other] { $count } événements viennent d’une version plus récente : mettez cette machine à jour pour les lire.
    }
notice-undated =
    { $count ->
        [one] 1 événement est sans date.
       *[other] { $count } événements sont sans date.
    }
notice-disputed =
    { $count ->
        [one] 1 événement est venu sous deux formes différentes. Prévenez la DGP.
       *[other] { $count } événements sont venus sous deux formes différentes. Prévenez la DGP.
    }
notice-loans =
    { $count ->
        [one] 1 prêt de la bibliothèque n’est pas revenu.
       *[other] { $count } prêts de la bibliothèque ne sont pas revenus.
    }
notice-links =
    { $count ->
        [one] 1 autre dossier est peut-être celui de la même personne.
       *[other] { $count } autres dossiers sont peut-être ceux de la même personne.
    }
stays = Séjours
stay-arrived = Arrivée
stay-arrived-from = { $date }, de { $site }
stay-no-arrival = pas encore ici
stay-left = Départ
stay-left-to = { $date }, { $to }
stay-open = encore là
progress = Progrès
no-progress = Rien n’a encore été noté.
module = Module
sessions-attended = Séances suivies
sessions-done = Séances terminées
tests = Meilleurs résultats
state = État
module-done-on = terminé ({ $date })
module-under-way = en cours
enrolled = Inscription à { $site } : { $what } ({ $date })
withdrew = A quitté le programme : { $reason }
withdrawal-own-choice = choix personnel
withdrawal-work = travail
withdrawal-timetable = horaire
withdrawal-changed-programme = changement de programme
withdrawal-not-stated = sans raison indiquée
days-at-computer =
    { $count ->
        [one] { $count } jour à l’ordinateur
       *[other] { $count } jours à l’ordinateur
    }
classes-attended =
    { $count ->
        [one] { $count } cours suivi
       *[other] { $count } cours suivis
    }
library-visits =
    { $count ->
        [one] { $count } visite à la bibliothèque
       *[other] { $count } visites à la bibliothèque
    }
test-pre-test = avant le module
test-post-test = après le module
test-quiz = exercice
test-result = { $test } : { $points } sur { $max } (version { $version })
exams = Examens officiels
exam-line = { $what }, session { $sitting } : { $outcome }
exam-sitting-unknown = inconnue
exam-open = inscription, pas encore de résultat
outcome-passed = réussi
outcome-failed = non réussi
outcome-absent = absence
opened = Qui a ouvert ce dossier
opened-line = { $date }, { $site } : { $who }, { $why }
opened-by-officer = agent { $number }
opened-by-nobody = une personne à l’ordinateur de cette prison
purpose-not-said = raison non indiquée
purpose-teaching = pour enseigner
purpose-transfer = pour un mouvement
purpose-learner-asked = la personne l’a demandé
purpose-correction = pour une correction
purpose-signing = pour signer un résultat
purpose-audit = pour un contrôle
purpose-keys-given = une autre prison l’a demandé
certificates = Certificats
certificate-line = { $what } : { $issuer }, { $date }
issuer-moeys = ministère de l’Éducation, de la Jeunesse et des Sports
issuer-pannasastra = université Paññāsāstra
issuer-provider = l’organisme du cours
issuer-education-centre = le centre d’éducation

## The catalogue

programme-beep = Équivalence de l’éducation de base (BEEP)
programme-english = Anglais
programme-digital = Bases du numérique
programme-reintegration = Réinsertion
programme-literacy = Alphabétisation
programme-vocational = Formation professionnelle
programme-orientation = Orientation professionnelle
programme-library = Bibliothèque
programme-unknown = Programme { $number }
module-khmer = Khmer
module-math-1 = Mathématiques I
module-math-2 = Mathématiques II
module-chemistry = Chimie
module-gender = Genre
module-physics = Physique
module-fundamental-skills = Compétences fondamentales
module-a1 = Niveau A1
module-a2 = Niveau A2
module-digital-basics = Bases du numérique
module-self-awareness = Connaissance de soi
module-emotional-regulation = Gestion des émotions
module-personal-finance = Finances personnelles
module-job-search = Recherche d’emploi
module-micro-business = Créer une micro-entreprise
module-safe-reintegration = Réinsertion en sécurité
module-slot-7 = Module 7 (sans titre encore)
module-slot-8 = Module 8 (sans titre encore)
module-unknown = Module { $number }

## The receipt

receipt-title = Reçu d’un mouvement
receipt-learner = Apprenant
receipt-date = Date
receipt-arrived = Arrivée
receipt-departed = Départ
receipt-at = À
receipt-from = Venant de
receipt-left = De
receipt-to = Destination
receipt-no-move = Aucune arrivée et aucun départ n’ont été notés ici.
receipt-several = Les prisons se contredisent. Tout ce qu’elles ont noté est affiché.
receipt-record-here = Le dossier d’apprentissage est ici.
receipt-record-opening = Le dossier d’apprentissage est ici ; des parties sont encore en cours d’ouverture.
receipt-record-awaited = Le dossier d’apprentissage est encore en route. Il se joindra de lui-même à son arrivée.
receipt-issued = Établi par { $site }. Ce papier n’ouvre rien et n’est pas un bon de transfert.
receipt-officer = Agent : nom, date, signature
receipt-signed-by-learner = Apprenant : signature ou empreinte du pouce
receipt-print = Pour imprimer cette page, appuyez sur Ctrl et P.
to-learner = Vers l’apprenant

## Le mot de passe d’un apprenant

password-title = Changer votre mot de passe
password-about = Tapez votre nom d’utilisateur et votre mot de passe actuel, puis le nouveau deux fois. Personne d’autre ne le voit. Si vous avez oublié votre mot de passe, demandez à un agent.
password-present = Mot de passe actuel
password-new = Nouveau mot de passe
password-again = Nouveau mot de passe, encore une fois
password-button = Changer
password-changed = Votre mot de passe est changé. Utilisez le nouveau à partir de maintenant.
password-not-in-moodle = Votre mot de passe est changé ici, mais Moodle ne l’a pas pris. Réessayez plus tard, avec le nouveau comme mot de passe actuel ; choisissez-en un plus long, avec majuscules, minuscules, chiffres et un signe comme -.
password-wrong = Le nom d’utilisateur ou le mot de passe actuel n’est pas juste. Rien n’a été changé. Réessayez, ou demandez à un agent.
password-differ = Les deux nouveaux mots de passe ne sont pas les mêmes. Rien n’a été changé. Tapez le nouveau deux fois.
password-short = Le nouveau mot de passe est trop court. Rien n’a été changé. Choisissez-en un d’au moins { $count } lettres.
password-long = Le mot de passe est trop long. Rien n’a été changé. Choisissez-en un d’au plus { $count } signes (une lettre khmère compte pour trois).
password-odd = Le nouveau mot de passe a des signes qui ne peuvent pas servir. Rien n’a été changé. Utilisez des lettres, des chiffres et des signes du clavier.
password-unreadable = Il manque quelque chose dans le formulaire. Rien n’a été changé. Remplissez-le en entier.
password-wait =
    { $count ->
        [one] Il y a eu trop de mots de passe faux. Rien n’a été changé. Réessayez dans 1 minute, ou demandez à un agent.
       *[other] Il y a eu trop de mots de passe faux. Rien n’a été changé. Réessayez dans { $count } minutes, ou demandez à un agent.
    }
account-title = Compte d’un apprenant
account-name = Nom d’utilisateur
account-none = pas encore
account-password = Nouveau mot de passe
account-once = Ce mot de passe est montré une seule fois. Notez-le ou imprimez cette page, et donnez-le à l’apprenant, qui le change lui-même. L’ancien ne sert plus.
account-about = Il reçoit un nouveau mot de passe, montré une seule fois. L’ancien ne sert plus. S’il n’a pas encore de nom d’utilisateur, il en reçoit un.
account-button = Faire un nouveau mot de passe
account-not-in-moodle = Le mot de passe est changé ici, mais Moodle ne l’a pas pris. Faites-en un autre plus tard.
account-stale = Ce formulaire était trop ancien. Rien n’a été changé. Réessayez.
to-account = Compte et mot de passe

## What cannot be shown

no-page-title = Cette page n’existe pas
no-page = Vérifiez l’adresse, ou allez à la première page.
no-learner-title = Cet apprenant n’est pas ici
no-learner = Aucun dossier de cet apprenant ne peut être affiché sur cette machine. Vérifiez le numéro de carte. Qui vient d’une autre prison est d’abord admis par son bon de transfert ou sa carte.
only-get-title = Cela ne peut pas être fait ici
only-get = Cette page ne fait que montrer. Rien ne peut y être changé.
elsewhere-title = Cela a été refusé
elsewhere = Le formulaire venait d’une autre page. Rien n’a été changé. Ouvrez ici la page de l’apprenant et réessayez.
busy-title = La machine est occupée
busy = Elle a beaucoup à faire en ce moment. Réessayez dans une minute. Rien n’est perdu.
broken-title = La page ne peut pas être affichée
broken = La machine a rencontré un problème et l’a noté. Prévenez la personne qui s’en occupe.

## L'état d'un dossier, sur les pages et dans la ligne de commande

record-open =
    { $count ->
        [one] ouvert : 1 événement
       *[other] ouvert : { $count } événements
    }
record-waiting-for-key = scellé, en attente de la clé ; la personne peut travailler dès maintenant
record-waiting-for-segments =
    { $count ->
        [one] clé reçue, en attente de 1 segment de { $site } : la prochaine clé USB ou liaison l'apporte
       *[other] clé reçue, en attente de { $count } segments de { $site } : la prochaine clé USB ou liaison les apporte
    }
record-withheld-no-agreement = données réservées retenues, car la personne n'a pas accepté qu'elles suivent
record-withheld = retenu, car { $because }
record-provisional = provisoire : on demande à la DGP de qui il s'agit
record-announced = annoncé(e) par { $site }, départ : { $since }
record-away = en route { $to }, départ : { $since }
record-overdue = en retard { $to }, départ : { $since }
record-arrived = arrivé(e) à { $site } : { $since }
record-said-elsewhere = ici, mais { $site } dit l'avoir reçu(e) : en cas de départ, notez-le ; sinon appelez { $site } ou contestez
record-disputed = contesté avec { $site }
record-disputed-by-other = contesté : une autre prison dit qu'il n'en est pas parti

## Les mouvements

moves-title = Qui se déplace
moves-none = Personne n'est en route, et aucun dossier n'attend rien.
to-moves = Qui se déplace : annoncés, arrivés, en route

## Sur papier

paper-slip = Bon de transfert
paper-number = Bon
paper-short-code = Code court
paper-from = De
paper-to = À
paper-day = Jour du départ
paper-typed = à taper ou à lire à voix haute
paper-slip-use = À destination : scannez un des codes ou tapez les lettres pour admettre l’apprenant. Le dossier s’ouvre dans cette prison et nulle part ailleurs.
paper-slip-further = Bon supplémentaire : à saisir après le premier bon du même apprenant. Il ouvre d’autres parties de son dossier.
paper-list = Liste pour l’escorte
paper-list-use = Aucun nom ici : le code court est sur la carte et sur le bon.
paper-card = Carte d’apprenant
paper-request = Demande d’une nouvelle machine
paper-seal = Sceau de ses clés
paper-request-use = Envoyez ce papier à la DGP, et lisez le sceau au téléphone à quelqu’un qui connaît votre voix. Rien n’y est secret.

## Les formulaires pour KoboToolbox

kobo-form-intake = Accueil
kobo-form-attendance = Présence
kobo-form-test = Test avant ou après un module
kobo-form-who5 = Bien-être (WHO-5)
kobo-form-exit = Avant la libération
kobo-date = Date
kobo-date-constraint = Ce jour n’est pas encore venu.
kobo-card = Carte de l’apprenant
kobo-card-hint = Scannez le code de la carte. Sans carte, continuez.
kobo-card-constraint = Ce n’est pas la carte d’un apprenant. Scannez le code de la carte, ou laissez vide.
kobo-user-name = Nom d’utilisateur aux ordinateurs
kobo-user-name-hint = Sans nom d’utilisateur, continuez.
kobo-user-name-constraint = Au plus 32 lettres.
kobo-name = Nom de l’apprenant
kobo-name-hint = Le nom de famille d’abord, en lettres khmères ou latines.
kobo-name-constraint = Au plus 80 lettres.
kobo-sex = Sexe
kobo-born = Année de naissance
kobo-born-constraint = Une année de quatre chiffres, comme 1990.
kobo-consent = L’apprenant accepte-t-il de participer ?
kobo-education = Plus haut niveau scolaire atteint
kobo-languages = Langues que parle l’apprenant
kobo-aspiration = Ce que l’apprenant veut faire après la libération
kobo-release-from = Libération attendue : premier mois possible
kobo-release-from-hint = Laissez vide si personne ne le sait.
kobo-release-to = Libération attendue : dernier mois possible
kobo-release-to-constraint = C’est avant le premier mois.
kobo-programme = Programme
kobo-module = Module
kobo-session = Numéro de la séance
kobo-session-constraint = Un nombre de 1 à 999.
kobo-present = Apprenants présents
kobo-test = Quel test
kobo-version = Version du test
kobo-version-hint = Le numéro sur la feuille du test ; 1 s’il n’y en a pas.
kobo-version-constraint = Un nombre de 1 à 999.
kobo-max = Points possibles
kobo-max-constraint = Plus que 0.
kobo-score = Points obtenus
kobo-score-constraint = Pas moins que 0, et pas plus que les points possibles.
kobo-interview = Quel entretien
kobo-departure = Le départ lui-même n’est pas noté ici : cela se fait sur la machine Spean de la prison.
kobo-referrals = Orienté vers
kobo-handouts = Remis à l’apprenant
kobo-remarks = Remarques
agreement-yes = oui
agreement-no = non
language-km = khmer
language-en = anglais
language-fr = français
aspiration-micro-business = petite entreprise à soi
aspiration-farming = agriculture
aspiration-employment = un emploi chez un employeur
aspiration-craft = un artisanat
aspiration-construction = travaux de construction
aspiration-services = services
aspiration-further-study = poursuivre des études
aspiration-undecided = pas encore décidé
interview-who5-start = au début
interview-who5-end = à la fin
referral-provincial-education = Service provincial de l’éducation
referral-provincial-labour = Service provincial du travail
referral-mith-samlanh = Mith Samlanh
referral-mlop-tapang = Mlop Tapang
referral-vocational-centre = Centre de formation professionnelle
referral-employer = Employeur
handout-certificate-copy = Copie d’un certificat
handout-record-copy = Copie du dossier d’apprentissage
handout-job-search-guide = Guide pour chercher du travail
handout-business-guide = Guide pour une petite entreprise
handout-contact-list = Liste de contacts
remark-good-progress = bons progrès
remark-needs-help = a besoin d’aide
remark-helps-others = aide les autres
remark-often-absent = souvent absent
remark-ready-for-exam = prêt pour l’examen
remark-needs-reading-help = a besoin d’aide pour lire

## Columns of registers

column-ref = Clé
column-ref-hint = la clé de la ligne dans son registre ; la même clé est la même ligne
column-family-km = Nom (khmer)
column-family-km-hint = en lettres khmères
column-given-km = Prénom (khmer)
column-given-km-hint = en lettres khmères
column-family-latin = Nom (latin)
column-family-latin-hint = en lettres latines
column-given-latin = Prénom (latin)
column-given-latin-hint = en lettres latines
column-sex = Sexe
column-sex-hint = F ou M
column-born = Naissance
column-born-hint = une année, un mois ou un jour : 1990, 1990-05 ou 1990-05-17
column-education = Niveau scolaire
column-education-hint = none, primary, lower-secondary, upper-secondary ou higher
column-languages = Langues
column-languages-hint = codes séparés par des espaces : km fr en
column-arrived = Arrivée
column-arrived-hint = le jour de son arrivée ici
column-card = Numéro de carte
column-card-hint = les 32 chiffres de la carte qu'il a déjà
column-username = Nom d'utilisateur
column-username-hint = le nom avec lequel il se connecte au Moodle qui est déjà là : ce sera son compte
column-learner = Apprenant
column-learner-hint = le numéro de sa carte, son nom d'utilisateur, ou sa clé dans le fichier des apprenants
column-name = Nom complet
column-name-hint = le nom complet, nom de famille d'abord ; avec l'année de naissance s'il n'a pas de numéro
column-date = Date
column-date-hint = un jour : 2026-03-31 ou 31/03/2026
column-kind = Type
column-kind-hint = ce qui s'est passé, comme attended, quiz, certificate
column-programme = Programme
column-programme-hint = beep, english, digital, reintegration, literacy, vocational ou orientation
column-module = Module
column-module-hint = un module du programme, comme math-1
column-session = Séance
column-session-hint = le numéro de la séance
column-score = Note
column-score-hint = les points obtenus
column-max = Sur
column-max-hint = le maximum de points
column-version = Version
column-version-hint = la version du test, un nombre : seules les mêmes se comparent
column-value = Valeur
column-value-hint = ce dont le type a encore besoin
column-provider = Prestataire
column-provider-hint = qui a donné le cours, un mot de la liste
column-test = Test
column-test-hint = pre-test, quiz ou post-test
column-sitting = Session d'examen
column-sitting-hint = l'année et le numéro de l'examen, comme 2026-3
column-outcome = Résultat
column-outcome-hint = passed, failed ou absent
column-item = Numéro du document
column-item-hint = le numéro sur l'étiquette
column-lent = Prêté le
column-lent-hint = le jour du prêt
column-returned = Rendu le
column-returned-hint = le jour du retour ; vide tant qu'il est prêté
column-title = Titre
column-title-hint = le titre
column-author = Auteur
column-author-hint = l'auteur
column-language = Langue
column-language-hint = le code de la langue : km, en, fr
column-copies = Exemplaires
column-copies-hint = combien il y en a ; 1 si vide
column-release-from = Libération dès
column-release-from-hint = le mois dès lequel la libération est attendue : 2026-03
column-release-to = Libération jusqu'à
column-release-to-hint = le mois jusqu'auquel la libération est attendue
