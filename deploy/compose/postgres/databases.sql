-- A database for each service, an owner that migrates, and a role to work as that owns nothing.

CREATE ROLE intake_owner LOGIN PASSWORD 'intake';
CREATE ROLE intake LOGIN PASSWORD 'intake';
CREATE DATABASE intake OWNER intake_owner;
REVOKE CONNECT ON DATABASE intake FROM PUBLIC;
GRANT CONNECT ON DATABASE intake TO intake;

CREATE ROLE assessment_owner LOGIN PASSWORD 'assessment';
CREATE ROLE assessment LOGIN PASSWORD 'assessment';
CREATE DATABASE assessment OWNER assessment_owner;
REVOKE CONNECT ON DATABASE assessment FROM PUBLIC;
GRANT CONNECT ON DATABASE assessment TO assessment;

CREATE ROLE planning_owner LOGIN PASSWORD 'planning';
CREATE ROLE planning LOGIN PASSWORD 'planning';
CREATE DATABASE planning OWNER planning_owner;
REVOKE CONNECT ON DATABASE planning FROM PUBLIC;
GRANT CONNECT ON DATABASE planning TO planning;

CREATE ROLE visit_scheduling_owner LOGIN PASSWORD 'visit_scheduling';
CREATE ROLE visit_scheduling LOGIN PASSWORD 'visit_scheduling';
CREATE DATABASE visit_scheduling OWNER visit_scheduling_owner;
REVOKE CONNECT ON DATABASE visit_scheduling FROM PUBLIC;
GRANT CONNECT ON DATABASE visit_scheduling TO visit_scheduling;

CREATE ROLE resource_directory_owner LOGIN PASSWORD 'resource_directory';
CREATE ROLE resource_directory LOGIN PASSWORD 'resource_directory';
CREATE DATABASE resource_directory OWNER resource_directory_owner;
REVOKE CONNECT ON DATABASE resource_directory FROM PUBLIC;
GRANT CONNECT ON DATABASE resource_directory TO resource_directory;

CREATE ROLE notification_owner LOGIN PASSWORD 'notification';
CREATE ROLE notification LOGIN PASSWORD 'notification';
CREATE DATABASE notification OWNER notification_owner;
REVOKE CONNECT ON DATABASE notification FROM PUBLIC;
GRANT CONNECT ON DATABASE notification TO notification;
