-- CREATE and DROP EXTENSION: what there is, who may use it, and that nothing is left behind.
SET client_min_messages = warning;

-- What is in the catalogs now, to compare with what is there when the extension has gone.
CREATE TEMP VIEW catalog AS
    SELECT 'pg_class'::regclass AS class, oid FROM pg_class WHERE relpersistence <> 't'
    UNION ALL SELECT 'pg_attrdef', oid FROM pg_attrdef
    UNION ALL SELECT 'pg_cast', oid FROM pg_cast
    UNION ALL SELECT 'pg_constraint', oid FROM pg_constraint
    UNION ALL SELECT 'pg_event_trigger', oid FROM pg_event_trigger
    UNION ALL SELECT 'pg_extension', oid FROM pg_extension
    UNION ALL SELECT 'pg_foreign_data_wrapper', oid FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_foreign_server', oid FROM pg_foreign_server
    UNION ALL SELECT 'pg_namespace', oid FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
    UNION ALL SELECT 'pg_operator', oid FROM pg_operator
    UNION ALL SELECT 'pg_proc', oid FROM pg_proc
    UNION ALL SELECT 'pg_trigger', oid FROM pg_trigger
    UNION ALL SELECT 'pg_type', oid FROM pg_type
        WHERE typnamespace::regnamespace::text !~ '^pg_(toast_)?temp_'
    UNION ALL SELECT 'pg_description', d.objoid FROM pg_description AS d
    UNION ALL SELECT 'pg_depend', d.objid FROM pg_depend AS d WHERE d.deptype IN ('e', 'x')
    UNION ALL SELECT 'pg_init_privs', i.objoid FROM pg_init_privs AS i;
CREATE TEMP TABLE before AS SELECT * FROM catalog;

CREATE EXTENSION mfa;

-- Its objects. Row types, indexes and TOAST tables go with their tables.
CREATE TEMP VIEW member AS
    SELECT classid, objid FROM pg_depend
    WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
        AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'mfa');
SELECT pg_describe_object(classid, objid, 0) COLLATE "C" AS object FROM member
WHERE classid <> 'pg_type'::regclass ORDER BY object;

-- Each has a comment, and so has the extension.
SELECT pg_describe_object(classid, objid, 0) AS "object without a comment" FROM member
WHERE classid <> 'pg_type'::regclass AND obj_description(objid, classid::regclass::name) IS NULL;
SELECT obj_description(oid, 'pg_extension') FROM pg_extension WHERE extname = 'mfa';

-- None grants anything to PUBLIC or to any other role than its owner, be it by a grant or because
-- nothing was revoked. (Row types can't be closed; without a table or function they are no use.)
CREATE TEMP VIEW open AS
    WITH acl AS (
        SELECT 'pg_proc'::regclass AS class, oid, proowner AS owner,
            coalesce(proacl, acldefault('f', proowner)) AS acl FROM pg_proc
        UNION ALL SELECT 'pg_class', oid, relowner,
            coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
            FROM pg_class
        UNION ALL SELECT 'pg_class', attrelid, relowner, attacl
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE attacl IS NOT NULL
        UNION ALL SELECT 'pg_namespace', oid, nspowner,
            coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace
        UNION ALL SELECT 'pg_foreign_data_wrapper', oid, fdwowner,
            coalesce(fdwacl, acldefault('F', fdwowner)) FROM pg_foreign_data_wrapper
    )
    SELECT pg_describe_object(m.classid, m.objid, 0) COLLATE "C" AS object,
        privilege_type AS privilege,
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS granted_to
    FROM member AS m JOIN acl ON acl.class = m.classid AND acl.oid = m.objid, aclexplode(acl.acl)
    WHERE grantee <> owner;
SELECT * FROM open ORDER BY object, privilege;
SELECT count(*) AS classes_seen FROM (SELECT DISTINCT classid FROM member) AS m
WHERE classid IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_namespace'::regclass,
    'pg_foreign_data_wrapper'::regclass);

-- What pg_dump saves is configuration. Requests and their codes are none.
SELECT c.relname AS "dumped, but not logged"
FROM pg_extension, unnest(extconfig) AS config JOIN pg_class AS c ON c.oid = config
WHERE extname = 'mfa' AND c.relpersistence <> 'p';

-- Nothing of it uses names of which a caller's search_path could be the judge.
SELECT p.oid::regprocedure AS "SQL function without a fixed search_path"
FROM member JOIN pg_proc AS p ON classid = 'pg_proc'::regclass AND objid = p.oid
JOIN pg_language AS l ON l.oid = prolang
WHERE lanname NOT IN ('c', 'internal') AND prosqlbody IS NULL
    AND NOT coalesce(array_to_string(proconfig, ',') ~ 'search_path=', false);

-- The schema is chosen once.
ALTER EXTENSION mfa SET SCHEMA pg_catalog;

-- DROP asks before it takes servers along, and leaves nothing.
CREATE SERVER regress_mfa FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}');
DROP EXTENSION mfa;
DROP EXTENSION mfa CASCADE;
TABLE catalog EXCEPT ALL TABLE before;
TABLE before EXCEPT ALL TABLE catalog;

-- Again, in a schema of choice. The tables stay in their own.
CREATE SCHEMA regress_mfa;
CREATE EXTENSION mfa SCHEMA regress_mfa;
SELECT DISTINCT pronamespace::regnamespace, prefix
FROM member JOIN pg_proc AS p ON classid = 'pg_proc'::regclass AND objid = p.oid,
    substring(proname, '^mfa_|_validator$|^check_|^list_|^note_') AS prefix ORDER BY prefix;
SELECT regress_mfa.mfa_verify('+14155550123', '0000000');
DROP EXTENSION mfa;
DROP SCHEMA regress_mfa;

-- In one transaction with its use. The worker that is woken finds no extension any more.
BEGIN;
CREATE EXTENSION mfa;
CREATE SERVER regress_mfa FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}');
SELECT mfa_send('+14155550123', provider => 'regress_mfa') IS NOT NULL AS sent;
SELECT verified, status FROM mfa_check('+14155550123', '0000000');
DROP EXTENSION mfa CASCADE;
COMMIT;
TABLE catalog EXCEPT ALL TABLE before;

-- Undone with the transaction. What the next one makes has nothing of the one before.
BEGIN;
CREATE EXTENSION mfa;
CREATE SERVER regress_mfa FOREIGN DATA WRAPPER mfa_http OPTIONS (url 'http://127.0.0.1:9/{code}');
SELECT mfa_send('+14155550123', provider => 'regress_mfa') IS NOT NULL AS sent;
ROLLBACK;
TABLE catalog EXCEPT ALL TABLE before;
CREATE EXTENSION mfa;
SELECT verified, status FROM mfa_check('+14155550123', '0000000');
DROP EXTENSION mfa;

-- Its schema's name must be free: what stands there could be somebody's trap. (PostgreSQL 18 says where in
-- the script.)
\set SHOW_CONTEXT never
CREATE SCHEMA mfa;
CREATE EXTENSION mfa;
DROP SCHEMA mfa;
\set SHOW_CONTEXT errors

-- Default privileges open nothing to PUBLIC.
BEGIN;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC;
CREATE EXTENSION mfa;
SELECT object, granted_to FROM open GROUP BY object, granted_to ORDER BY object;
ROLLBACK;

-- Only a superuser makes it.
CREATE ROLE regress_mfa_owner;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_mfa_owner;
SET ROLE regress_mfa_owner;
CREATE EXTENSION mfa;
RESET ROLE;
REVOKE CREATE ON DATABASE :"DBNAME" FROM regress_mfa_owner;
DROP ROLE regress_mfa_owner;
