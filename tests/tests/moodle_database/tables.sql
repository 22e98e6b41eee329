-- The tables and columns of Moodle 4.1 to 5.0 that the node reads, and nothing else of them.
CREATE TABLE mdl_config (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255) NOT NULL UNIQUE, value LONGTEXT NOT NULL);
CREATE TABLE mdl_course (id BIGINT PRIMARY KEY, shortname VARCHAR(255) NOT NULL, enablecompletion TINYINT NOT NULL);
CREATE TABLE mdl_course_sections (id BIGINT AUTO_INCREMENT PRIMARY KEY, course BIGINT NOT NULL, section BIGINT NOT NULL, sequence LONGTEXT);
CREATE TABLE mdl_modules (id BIGINT PRIMARY KEY, name VARCHAR(20) NOT NULL, visible TINYINT NOT NULL);
CREATE TABLE mdl_course_modules (id BIGINT PRIMARY KEY, course BIGINT NOT NULL, module BIGINT NOT NULL, instance BIGINT NOT NULL,
  idnumber VARCHAR(100), completion TINYINT NOT NULL, deletioninprogress TINYINT NOT NULL);
CREATE TABLE mdl_quiz (id BIGINT PRIMARY KEY, course BIGINT NOT NULL, name VARCHAR(255) NOT NULL, sumgrades DECIMAL(10,5) NOT NULL,
  grade DECIMAL(10,5) NOT NULL);
CREATE TABLE mdl_user (id BIGINT PRIMARY KEY, auth VARCHAR(20) NOT NULL, deleted TINYINT NOT NULL, suspended TINYINT NOT NULL,
  username VARCHAR(100) NOT NULL, password VARCHAR(255) NOT NULL, idnumber VARCHAR(255) NOT NULL, firstname VARCHAR(100) NOT NULL,
  lastname VARCHAR(100) NOT NULL, timemodified BIGINT NOT NULL);
CREATE TABLE mdl_enrol (id BIGINT PRIMARY KEY, courseid BIGINT NOT NULL);
CREATE TABLE mdl_user_enrolments (id BIGINT AUTO_INCREMENT PRIMARY KEY, enrolid BIGINT NOT NULL, userid BIGINT NOT NULL,
  timemodified BIGINT NOT NULL);
CREATE TABLE mdl_course_modules_completion (id BIGINT AUTO_INCREMENT PRIMARY KEY, coursemoduleid BIGINT NOT NULL, userid BIGINT NOT NULL,
  completionstate TINYINT NOT NULL, overrideby BIGINT, timemodified BIGINT NOT NULL);
CREATE TABLE mdl_quiz_attempts (id BIGINT PRIMARY KEY, quiz BIGINT NOT NULL, userid BIGINT NOT NULL, attempt MEDIUMINT NOT NULL,
  layout LONGTEXT NOT NULL, preview SMALLINT NOT NULL, state VARCHAR(16) NOT NULL, timefinish BIGINT NOT NULL,
  timemodified BIGINT NOT NULL, sumgrades DECIMAL(10,5));
CREATE TABLE mdl_grade_items (id BIGINT PRIMARY KEY, courseid BIGINT, itemtype VARCHAR(30) NOT NULL, itemmodule VARCHAR(30),
  iteminstance BIGINT);
CREATE TABLE mdl_grade_grades (id BIGINT AUTO_INCREMENT PRIMARY KEY, itemid BIGINT NOT NULL, userid BIGINT NOT NULL,
  finalgrade DECIMAL(10,5), overridden BIGINT NOT NULL, timemodified BIGINT);
CREATE TABLE mdl_course_completions (id BIGINT AUTO_INCREMENT PRIMARY KEY, userid BIGINT NOT NULL, course BIGINT NOT NULL,
  timecompleted BIGINT);
CREATE TABLE mdl_course_completion_crit_compl (id BIGINT AUTO_INCREMENT PRIMARY KEY, userid BIGINT NOT NULL, course BIGINT NOT NULL,
  timecompleted BIGINT);
INSERT INTO mdl_config (name, value) VALUES ('version', '2024100705.00'), ('release', '4.5.5 (Build: 20250613)'), ('enablecompletion', '1');
INSERT INTO mdl_modules VALUES (1, 'page', 1), (2, 'quiz', 1);
