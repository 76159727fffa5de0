CREATE SCHEMA kept;
CREATE TABLE kept.dead (
    epoch bigint NOT NULL
);
CREATE TABLE kept.instance (
    no bigint NOT NULL,
    saga text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    birth text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    input_hash bytea NOT NULL,
    parent bigint,
    status text NOT NULL COLLATE pg_catalog."C",
    due_at bigint,
    wake_at bigint,
    awaits text[] DEFAULT '{}'::text[] NOT NULL,
    state text COLLATE pg_catalog."C",
    error text COLLATE pg_catalog."C",
    owned boolean NOT NULL,
    epoch bigint NOT NULL,
    queued boolean DEFAULT false NOT NULL,
    given_back bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    moment bigint NOT NULL,
    started_at bigint NOT NULL,
    ended_at bigint,
    buried boolean DEFAULT false NOT NULL,
    CONSTRAINT instance_check CHECK (((ended_at IS NOT NULL) = (status = ANY (ARRAY['completed'::text, 'compensated'::text, 'compensated_with_debt'::text])))),
    CONSTRAINT instance_input_hash_check CHECK ((length(input_hash) = 32)),
    CONSTRAINT instance_status_check CHECK ((status = ANY (ARRAY['ready'::text, 'sleeping'::text, 'waiting'::text, 'parked'::text, 'waits_for_build'::text, 'completed'::text, 'compensated'::text, 'compensated_with_debt'::text])))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_analyze_scale_factor='0.02');
CREATE SEQUENCE kept.instance_no
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE kept.journal (
    instance bigint NOT NULL,
    seq bigint NOT NULL,
    last bigint NOT NULL,
    at bigint NOT NULL,
    event text NOT NULL,
    sum bigint,
    CONSTRAINT journal_check CHECK ((last >= seq))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_insert_scale_factor='0.1', autovacuum_analyze_scale_factor='0.05');
CREATE TABLE kept.label (
    instance bigint NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE kept.message (
    no bigint NOT NULL,
    instance bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    body text NOT NULL,
    at bigint NOT NULL,
    consumed boolean DEFAULT false NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.05');
ALTER TABLE kept.message ALTER COLUMN no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME kept.message_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE kept.request (
    no bigint NOT NULL,
    instance bigint NOT NULL,
    body text NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');
ALTER TABLE kept.request ALTER COLUMN no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME kept.request_no_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE kept.store (
    id integer NOT NULL,
    version integer NOT NULL,
    CONSTRAINT store_id_check CHECK ((id = 1))
);
CREATE TABLE kept.tick (
    name text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL
);
CREATE TABLE kept.worker (
    epoch bigint NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    writer bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='20', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='200');
ALTER TABLE kept.worker ALTER COLUMN epoch ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME kept.worker_epoch_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
INSERT INTO kept.dead VALUES (1);
INSERT INTO kept.instance VALUES (1, 'trip', 'at hand', '01a21e036f86729d84e2ef853b164dba', 1, '\xdaf67676c78f31a793828a47af98a6667a9e3b7b71d3bdf809e64952227c0276', NULL, 'ready', 1795799871366727, NULL, '{}', NULL, NULL, true, 1, false, '{}', 1795799871366727, 1795799871366727, NULL, false);
INSERT INTO kept.instance VALUES (2, 'trip', 'waits', '01a21e036f937155af230a6b0a12e76e', 1, '\x5197a5623445d8524bc8b73fe8abfc059d02d8547392b9ca3d7d5e725b851e51', NULL, 'waiting', NULL, NULL, '{go}', 'go', NULL, false, 1, false, '{}', 1795799871398533, 1795799871380122, NULL, false);
INSERT INTO kept.instance VALUES (7, 'trip', 'joined', '01a21e036fa7733db3b5a464a42d1178', 1, '\x6d7a6ed0d590731f6f8b4014e3016abe891a436e2d3f27a341c8c9dfe2508e25', NULL, 'ready', 1795799871399489, NULL, '{}', NULL, NULL, true, 1, false, '{}', 1795799871399489, 1795799871399489, NULL, false);
INSERT INTO kept.instance VALUES (4, 'trip', 'sleeps', '01a21e036f9f74c1ad754efa23477085', 1, '\x19214dbc3eff92c0e8179ca07058e60bbf6fe10e9b798af1dfa2f4da45675df3', NULL, 'sleeping', 1795799874404330, 1795799874404330, '{}', 'sleep', NULL, false, 1, false, '{}', 1795799871406897, 1795799871391719, NULL, false);
INSERT INTO kept.instance VALUES (5, 'trip', 'in doubt', '01a21e036fa47628918cbed27e05abc9', 1, '\x1f45239680c0206badda8285791564581a67cbad51dbbad63657b78668cab092', NULL, 'parked', NULL, NULL, '{}', 'pay', 'panicked: as it was told: money of in doubt for 7', false, 1, false, '{}', 1795799871417812, 1795799871396510, NULL, false);
INSERT INTO kept.instance VALUES (3, 'trip', 'told', '01a21e036f9d70b286c60f2c7b0fc5b3', 1, '\x1b616103b7f64fda1a2537ebda1cf656511d0cff93d94fe8394e0b494dc25301', NULL, 'ready', 1795799871389855, NULL, '{}', NULL, NULL, true, 1, false, '{}', 1795799871420704, 1795799871389855, NULL, false);
INSERT INTO kept.instance VALUES (11, 'meals', '8e059b7842ea8b6f5fc60d8f4de0a6d29bc506d4', '01a21e036fbc7742b92c191ecca5257b', 1, '\x7c40c370e3153132b1032f8a5f9f5bd96adf2d7ce95105104e696f106a351e17', 8, 'ready', 1795799871420574, NULL, '{}', NULL, NULL, true, 1, false, '{}', 1795799871422668, 1795799871420574, NULL, false);
INSERT INTO kept.instance VALUES (8, 'trip', 'has a child', '01a21e036fad7496b92e9bcc56f94b9f', 1, '\x7c40c370e3153132b1032f8a5f9f5bd96adf2d7ce95105104e696f106a351e17', NULL, 'waiting', NULL, NULL, '{"end of 8e059b7842ea8b6f5fc60d8f4de0a6d29bc506d4"}', 'meals', NULL, false, 1, false, '{}', 1795799871422874, 1795799871406133, NULL, false);
INSERT INTO kept.instance VALUES (9, 'trip', 'done', '01a21e036fb1704e99f3c1de4e552fa8', 1, '\x079c9fa499dabfa16cb950e27cff2eb527e0025aed89a92965c5be997e05f884', NULL, 'completed', NULL, NULL, '{}', NULL, NULL, false, 1, false, '{}', 1795799871429762, 1795799871409198, 1795799871429762, false);
INSERT INTO kept.instance VALUES (10, 'trip', 'undone', '01a21e036fba7119a885f99705258a8a', 1, '\xd2087a6d3946e71ee746d924624027531579dee03bb1601c9544131402502c29', NULL, 'compensated', NULL, NULL, '{}', NULL, NULL, false, 1, false, '{}', 1795799871431827, 1795799871418705, 1795799871431827, false);
INSERT INTO kept.instance VALUES (6, 'trip', 'unwinds', '01a21e036fa576eca71279441f0047cc', 1, '\xc92427ca5ef152410b3293f9e9edbeac4b4e6a9f4c820081b9984d3089dddc01', NULL, 'ready', 1795799871447686, NULL, '{}', NULL, NULL, false, 1, false, '{}', 1795799871447686, 1795799871397396, NULL, false);
INSERT INTO kept.journal VALUES (1, 1, 2, 1795799871366383, '{"started":{"version":1,"parameter":"booking","input":{"name":"at hand","cents":7,"nights":0,"waits":false,"naps":0,"meals":false}}}
+286 {"called":{"state":"book","fingerprint":"91edea585984a6b8","calls":{"step":[{"step":"book","compensation":"unbook"},{"about":{"value":"car of at hand for 7"}}]},"frame":{"booking":1}}}', -7359727806699738993);
INSERT INTO kept.journal VALUES (1, 3, 5, 1795799871379432, '{"answered":{"done":"car of at hand for 7"}}
+85 {"called":{"state":"places","fingerprint":"2669efcb04303e4c","calls":{"join":{"callees":[{"step":{"step":"book","compensation":"unbook"}},{"step":{"step":"book","compensation":"unbook"}}],"branches":[{"about":{"value":"seat of at hand for 7"}},{"about":{"value":"desk of at hand for 7"}}]}},"frame":{"booking":1}}}
+62 {"begun":{"branches":[0,1]}}', -6391589038021655575);
INSERT INTO kept.journal VALUES (2, 1, 2, 1795799871379936, '{"started":{"version":1,"parameter":"booking","input":{"name":"waits","cents":7,"nights":0,"waits":true,"naps":0,"meals":false}}}
+160 {"called":{"state":"book","fingerprint":"91edea585984a6b8","calls":{"step":[{"step":"book","compensation":"unbook"},{"about":{"value":"car of waits for 7"}}]},"frame":{"booking":1}}}', -2849757411861614200);
INSERT INTO kept.journal VALUES (1, 6, 7, 1795799871388545, '{"in":{"branch":"places.1.0","event":{"answered":{"done":"seat of at hand for 7"}}}}
+72 {"in":{"branch":"places.1.1","event":{"answered":{"done":"desk of at hand for 7"}}}}', -6929532879760979848);
INSERT INTO kept.journal VALUES (3, 1, 2, 1795799871389664, '{"started":{"version":1,"parameter":"booking","input":{"name":"told","cents":7,"nights":1,"waits":true,"naps":0,"meals":false}}}
+160 {"called":{"state":"book","fingerprint":"91edea585984a6b8","calls":{"step":[{"step":"book","compensation":"unbook"},{"about":{"value":"car of told for 7"}}]},"frame":{"booking":1}}}', 5150180319275164433);
INSERT INTO kept.journal VALUES (2, 3, 5, 1795799871390038, '{"answered":{"done":"car of waits for 7"}}
+41 {"called":{"state":"places","fingerprint":"2669efcb04303e4c","calls":{"join":{"callees":[{"step":{"step":"book","compensation":"unbook"}},{"step":{"step":"book","compensation":"unbook"}}],"branches":[{"about":{"value":"seat of waits for 7"}},{"about":{"value":"desk of waits for 7"}}]}},"frame":{"booking":1}}}
+38 {"begun":{"branches":[0,1]}}', -6735926209747083662);
INSERT INTO kept.journal VALUES (1, 8, 8, 1795799871390619, '{"called":{"state":"pay","fingerprint":"09027110f9e308d5","calls":{"step":[{"step":"pay","class":"pivot"},{"about":{"value":"money of at hand for 7"}}]},"frame":{"booking":1,"told":{"value":0}}}}', -6261617549989813957);
INSERT INTO kept.journal VALUES (4, 1, 2, 1795799871391313, '{"started":{"version":1,"parameter":"booking","input":{"name":"sleeps","cents":7,"nights":0,"waits":false,"naps":3000,"meals":false}}}
+388 {"called":{"state":"book","fingerprint":"91edea585984a6b8","calls":{"step":[{"step":"book","compensation":"unbook"},{"about":{"value":"car of sleeps for 7"}}]},"frame":{"booking":1}}}', 1999988579326541858);
INSERT INTO kept.journal VALUES (2, 6, 7, 1795799871391545, '{"in":{"branch":"places.1.0","event":{"answered":{"done":"seat of waits for 7"}}}}
+42 {"in":{"branch":"places.1.1","event":{"answered":{"done":"desk of waits for 7"}}}}', 735415342771062935);
INSERT INTO kept.journal VALUES (3, 3, 4, 1795799871391769, '{"answered":{"done":"car of told for 7"}}
+37 {"called":{"state":"night","fingerprint":"d5a21e9949686f7a","calls":{"step":[{"step":"book","compensation":"unbook"},{"about":{"value":"night 0 of told for 7"}}]},"frame":{"(night)":{"value":{"rest":[1,1],"closed":false}},"booking":1}}}', 3423965968555540935);
INSERT INTO kept.journal VALUES (5, 1, 2, 1795799871396402, '{"started":{"version":1,"parameter":"booking","input":{"name":"in doubt","cents":7,"nights":0,"waits":false,"naps":0,"meals":false}}}
+93 {"called":{"state":"book","fingerprint":"91edea585984a6b8","calls":{"step":[{"step":"book","compensation":"unbook"},{"about":{"value":"car of in doubt for 7"}}]},"frame":{"booking":1}}}', 4703195079815426944);
INSERT INTO kept.journal VALUES (2, 8, 8, 1795799871396094, '{"called":{"state":"go","fingerprint":"b7f639c3a99ea3b3","calls":{"wait":{"signals":["go"]}},"frame":{"booking":1}}}', -5485514416516485838);
INSERT INTO kept.journal VALUES (4, 3, 5, 1795799871396227, '{"answered":{"done":"car of sleeps for 7"}}
+32 {"called":{"state":"places","fingerprint":"2669efcb04303e4c","calls":{"join":{"callees":[{"step":{"step":"book","compensation":"unbook"}},{"step":{"step":"book","compensation":"unbook"}}],"branches":[{"about":{"value":"seat of sleeps for 7"}},{"about":{"value":"desk of sleeps for 7"}}]}},"frame":{"booking":1}}}
+28 {"begun":{"branches":[0,1]}}', -4448881360612637082);
INSERT INTO kept.journal VALUES (6, 1, 2, 1795799871397275, '{"started":{"version":1,"parameter":"booking","input":{"name":"unwinds","cents":7,"nights":0,"waits":false,"naps":0,"meals":false}}}
+100 {"called":{"state":"book","fingerprint":"91edea585984a6b8","calls":{"step":[{"step":"book","compensation":"unbook"},{"about":{"value":"car of unwinds for 7"}}]},"frame":{"booking":1}}}', -1353207257006024687);
INSERT INTO kept.journal VALUES (5, 3, 5, 1795799871397652, '{"answered":{"done":"car of in doubt for 7"}}
+32 {"called":{"state":"places","fingerprint":"2669efcb04303e4c","calls":{"join":{"callees":[{"step":{"step":"book","compensation":"unbook"}},{"step":{"step":"book","compensation":"unbook"}}],"branches":[{"about":{"value":"seat of in doubt for 7"}},{"about":{"value":"desk of in doubt for 7"}}]}},"frame":{"booking":1}}}
+29 {"begun":{"branches":[0,1]}}', 6957721335939203684);
INSERT INTO kept.journal VALUES (4, 6, 7, 1795799871397800, '{"in":{"branch":"places.1.0","event":{"answered":{"done":"seat of sleeps for 7"}}}}
+33 {"in":{"branch":"places.1.1","event":{"answered":{"done":"desk of sleeps for 7"}}}}', 8014644450150522629);
INSERT INTO kept.journal VALUES (7, 1, 2, 1795799871399363, '{"started":{"version":1,"parameter":"booking","input":{"name":"joined","cents":7,"nights":0,"waits":false,"naps":0,"meals":false}}}
+110 {"called":{"state":"book","fingerprint":"91edea585984a6b8","calls":{"step":[{"step":"book","compensation":"unbook"},{"about":{"value":"car of joined for 7"}}]},"frame":{"booking":1}}}', 7297662534541758332);
INSERT INTO kept.journal VALUES (6, 3, 5, 1795799871399190, '{"answered":{"done":"car of unwinds for 7"}}
+39 {"called":{"state":"places","fingerprint":"2669efcb04303e4c","calls":{"join":{"callees":[{"step":{"step":"book","compensation":"unbook"}},{"step":{"step":"book","compensation":"unbook"}}],"branches":[{"about":{"value":"seat of unwinds for 7"}},{"about":{"value":"desk of unwinds for 7"}}]}},"frame":{"booking":1}}}
+32 {"begun":{"branches":[0,1]}}', 4395564917853601429);
INSERT INTO kept.journal VALUES (5, 6, 7, 1795799871404195, '{"in":{"branch":"places.1.0","event":{"answered":{"done":"seat of in doubt for 7"}}}}
+40 {"in":{"branch":"places.1.1","event":{"answered":{"done":"desk of in doubt for 7"}}}}', -6863921464191869241);
INSERT INTO kept.journal VALUES (4, 8, 8, 1795799871404334, '{"called":{"state":"sleep","fingerprint":"38bb1341c863f9bb","calls":{"wait":{"until":1795799874404330}},"frame":{"booking":1,"told":{"value":0}}}}', 6718063208183619784);
INSERT INTO kept.journal VALUES (6, 6, 7, 1795799871405536, '{"in":{"branch":"places.1.0","event":{"answered":{"done":"seat of unwinds for 7"}}}}
+40 {"in":{"branch":"places.1.1","event":{"answered":{"done":"desk of unwinds for 7"}}}}', -6574157767120210259);
INSERT INTO kept.journal VALUES (8, 1, 2, 1795799871405990, '{"started":{"version":1,"parameter":"booking","input":{"name":"has a child","cents":7,"nights":0,"waits":false,"naps":0,"meals":true}}}
+122 {"called":{"state":"book","fingerprint":"91edea585984a6b8","calls":{"step":[{"step":"book","compensation":"unbook"},{"about":{"value":"car of has a child for 7"}}]},"frame":{"booking":1}}}', 2530933652932596736);
INSERT INTO kept.journal VALUES (7, 3, 5, 1795799871406190, '{"answered":{"done":"car of joined for 7"}}
+23 {"called":{"state":"places","fingerprint":"2669efcb04303e4c","calls":{"join":{"callees":[{"step":{"step":"book","compensation":"unbook"}},{"step":{"step":"book","compensation":"unbook"}}],"branches":[{"about":{"value":"seat of joined for 7"}},{"about":{"value":"desk of joined for 7"}}]}},"frame":{"booking":1}}}
+25 {"begun":{"branches":[0,1]}}', 5628661642851879061);
INSERT INTO kept.journal VALUES (9, 1, 2, 1795799871409068, '{"started":{"version":1,"parameter":"booking","input":{"name":"done","cents":7,"nights":0,"waits":false,"naps":0,"meals":false}}}
+111 {"called":{"state":"book","fingerprint":"91edea585984a6b8","calls":{"step":[{"step":"book","compensation":"unbook"},{"about":{"value":"car of done for 7"}}]},"frame":{"booking":1}}}', -5149773039789504432);
INSERT INTO kept.journal VALUES (6, 8, 8, 1795799871406747, '{"called":{"state":"pay","fingerprint":"09027110f9e308d5","calls":{"step":[{"step":"pay","class":"pivot"},{"about":{"value":"money of unwinds for 7"}}]},"frame":{"booking":1,"told":{"value":0}}}}', 1159480636471372973);
INSERT INTO kept.journal VALUES (5, 8, 8, 1795799871406833, '{"called":{"state":"pay","fingerprint":"09027110f9e308d5","calls":{"step":[{"step":"pay","class":"pivot"},{"about":{"value":"money of in doubt for 7"}}]},"frame":{"booking":1,"told":{"value":0}}}}', -2841059276631305084);
INSERT INTO kept.journal VALUES (8, 3, 5, 1795799871408856, '{"answered":{"done":"car of has a child for 7"}}
+44 {"called":{"state":"places","fingerprint":"2669efcb04303e4c","calls":{"join":{"callees":[{"step":{"step":"book","compensation":"unbook"}},{"step":{"step":"book","compensation":"unbook"}}],"branches":[{"about":{"value":"seat of has a child for 7"}},{"about":{"value":"desk of has a child for 7"}}]}},"frame":{"booking":1}}}
+36 {"begun":{"branches":[0,1]}}', 2655928919953868390);
INSERT INTO kept.journal VALUES (7, 6, 6, 1795799871409488, '{"in":{"branch":"places.1.0","event":{"answered":{"done":"seat of joined for 7"}}}}', -8936356026328638359);
INSERT INTO kept.journal VALUES (10, 1, 2, 1795799871418554, '{"started":{"version":1,"parameter":"booking","input":{"name":"undone","cents":7,"nights":0,"waits":false,"naps":0,"meals":false}}}
+130 {"called":{"state":"book","fingerprint":"91edea585984a6b8","calls":{"step":[{"step":"book","compensation":"unbook"},{"about":{"value":"car of undone for 7"}}]},"frame":{"booking":1}}}', -6111433692351255697);
INSERT INTO kept.journal VALUES (5, 9, 10, 1795799871417741, '{"attempt_failed":{"attempt":1,"error":"panicked: as it was told: money of in doubt for 7","effect":true}}
+18 {"parked":{"cause":"panicked","error":"panicked: as it was told: money of in doubt for 7"}}', -3762759973036194028);
INSERT INTO kept.journal VALUES (9, 3, 5, 1795799871418049, '{"answered":{"done":"car of done for 7"}}
+51 {"called":{"state":"places","fingerprint":"2669efcb04303e4c","calls":{"join":{"callees":[{"step":{"step":"book","compensation":"unbook"}},{"step":{"step":"book","compensation":"unbook"}}],"branches":[{"about":{"value":"seat of done for 7"}},{"about":{"value":"desk of done for 7"}}]}},"frame":{"booking":1}}}
+38 {"begun":{"branches":[0,1]}}', -186672832217521422);
INSERT INTO kept.journal VALUES (8, 6, 7, 1795799871418333, '{"in":{"branch":"places.1.0","event":{"answered":{"done":"seat of has a child for 7"}}}}
+34 {"in":{"branch":"places.1.1","event":{"answered":{"done":"desk of has a child for 7"}}}}', 7839340517224873696);
INSERT INTO kept.journal VALUES (6, 9, 10, 1795799871418739, '{"answered":{"refused":null}}
+26 {"unwinding":{"cause":{"refused":null},"doubt":[]}}', -6137176638042325088);
INSERT INTO kept.journal VALUES (6, 11, 11, 1795799871420168, '{"undone":{"call":{"row":4,"branch":0},"how":"done"}}', 4018093973726190934);
INSERT INTO kept.journal VALUES (11, 1, 1, 1795799871420574, '{"started":{"version":1,"parameter":"booking","input":{"name":"has a child","cents":7,"nights":0,"waits":false,"naps":0,"meals":true},"parent":{"saga":"trip","id":"has a child","awaits":true}}}', -4151633979156101134);
INSERT INTO kept.journal VALUES (9, 6, 7, 1795799871420396, '{"in":{"branch":"places.1.0","event":{"answered":{"done":"seat of done for 7"}}}}
+37 {"in":{"branch":"places.1.1","event":{"answered":{"done":"desk of done for 7"}}}}', -7166602090006459170);
INSERT INTO kept.journal VALUES (8, 8, 8, 1795799871420551, '{"called":{"state":"meals","fingerprint":"6b70c92c5f62329f","calls":{"child":{"child":{"saga":"meals","id":"8e059b7842ea8b6f5fc60d8f4de0a6d29bc506d4","kind":"compensatable"},"arguments":{"input":[1,"booking"]}}},"frame":{"booking":1}}}', 1858744991769312041);
INSERT INTO kept.journal VALUES (10, 3, 5, 1795799871420853, '{"answered":{"done":"car of undone for 7"}}
+36 {"called":{"state":"places","fingerprint":"2669efcb04303e4c","calls":{"join":{"callees":[{"step":{"step":"book","compensation":"unbook"}},{"step":{"step":"book","compensation":"unbook"}}],"branches":[{"about":{"value":"seat of undone for 7"}},{"about":{"value":"desk of undone for 7"}}]}},"frame":{"booking":1}}}
+29 {"begun":{"branches":[0,1]}}', -7569362185002493750);
INSERT INTO kept.journal VALUES (6, 12, 12, 1795799871421404, '{"undone":{"call":{"row":4,"branch":1},"how":"done"}}', 1163954781225014580);
INSERT INTO kept.journal VALUES (9, 8, 8, 1795799871422136, '{"called":{"state":"pay","fingerprint":"09027110f9e308d5","calls":{"step":[{"step":"pay","class":"pivot"},{"about":{"value":"money of done for 7"}}]},"frame":{"booking":1,"told":{"value":0}}}}', -4538601400156317497);
INSERT INTO kept.journal VALUES (10, 6, 7, 1795799871422364, '{"in":{"branch":"places.1.0","event":{"answered":{"done":"seat of undone for 7"}}}}
+38 {"in":{"branch":"places.1.1","event":{"answered":{"done":"desk of undone for 7"}}}}', -179935648229036921);
INSERT INTO kept.journal VALUES (11, 2, 2, 1795799871424864, '{"called":{"state":"cook","fingerprint":"96778810636c6149","calls":{"step":[{"step":"cook","compensation":"uncook"},{"about":{"value":"dinner of has a child for 7"}}]}}}', 738362857928586153);
INSERT INTO kept.journal VALUES (9, 9, 10, 1795799871427520, '{"answered":{"done":"money of done for 7"}}
+34 {"called":{"state":"post","fingerprint":"9c6960b918cd7f73","calls":{"step":[{"step":"post","class":"retriable"},{"about":{"value":"ticket of done for 7"}}]},"frame":{"told":8}}}', 6852960450278105616);
INSERT INTO kept.journal VALUES (6, 13, 13, 1795799871427703, '{"compensation_failed":{"call":{"row":2},"failed":{"attempt":1,"error":"an undo was answered Later","effect":true,"retry_at":1795799871429371}}}', 1026902889153409001);
INSERT INTO kept.journal VALUES (10, 8, 8, 1795799871428728, '{"called":{"state":"pay","fingerprint":"09027110f9e308d5","calls":{"step":[{"step":"pay","class":"pivot"},{"about":{"value":"money of undone for 7"}}]},"frame":{"booking":1,"told":{"value":0}}}}', 5757127923213896421);
INSERT INTO kept.journal VALUES (10, 9, 10, 1795799871429502, '{"answered":{"refused":null}}
+29 {"unwinding":{"cause":{"refused":null},"doubt":[]}}', 6578673968807909516);
INSERT INTO kept.journal VALUES (9, 11, 12, 1795799871429733, '{"answered":{"done":"ticket of done for 7"}}
+23 {"completed":{"output":0}}', 1238818504552013574);
INSERT INTO kept.journal VALUES (6, 14, 14, 1795799871429802, '{"compensation_failed":{"call":{"row":2},"failed":{"attempt":2,"error":"an undo was answered Later","effect":true,"retry_at":1795799871438946}}}', -1025729394427942709);
INSERT INTO kept.journal VALUES (10, 11, 11, 1795799871430297, '{"undone":{"call":{"row":4,"branch":0},"how":"done"}}', -21485826713700403);
INSERT INTO kept.journal VALUES (10, 12, 12, 1795799871431269, '{"undone":{"call":{"row":4,"branch":1},"how":"done"}}', -901734523075341277);
INSERT INTO kept.journal VALUES (10, 13, 14, 1795799871431792, '{"undone":{"call":{"row":2},"how":"done"}}
+30 {"compensated":{}}', -2695222135590575612);
INSERT INTO kept.journal VALUES (6, 15, 15, 1795799871440475, '{"compensation_failed":{"call":{"row":2},"failed":{"attempt":3,"error":"an undo was answered Later","effect":true,"retry_at":1795799871451543}}}', 6346820251277053392);
INSERT INTO kept.message OVERRIDING SYSTEM VALUE VALUES (1, 3, 'go', '01a21e036fbc7742b92c191fce22ba86', '5', 1795799871420704, false);
INSERT INTO kept.store VALUES (1, 2);
SELECT pg_catalog.setval('kept.instance_no', 11, true);
SELECT pg_catalog.setval('kept.message_no_seq', 1, true);
SELECT pg_catalog.setval('kept.request_no_seq', 1, false);
SELECT pg_catalog.setval('kept.worker_epoch_seq', 1, true);
ALTER TABLE ONLY kept.dead
    ADD CONSTRAINT dead_pkey PRIMARY KEY (epoch);
ALTER TABLE ONLY kept.instance
    ADD CONSTRAINT instance_pkey PRIMARY KEY (no);
ALTER TABLE ONLY kept.instance
    ADD CONSTRAINT instance_saga_id_key UNIQUE (saga, id);
ALTER TABLE ONLY kept.journal
    ADD CONSTRAINT journal_pkey PRIMARY KEY (instance, seq);
ALTER TABLE ONLY kept.label
    ADD CONSTRAINT label_pkey PRIMARY KEY (instance, key);
ALTER TABLE ONLY kept.message
    ADD CONSTRAINT message_instance_name_id_key UNIQUE (instance, name, id);
ALTER TABLE ONLY kept.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (no);
ALTER TABLE ONLY kept.request
    ADD CONSTRAINT request_pkey PRIMARY KEY (no);
ALTER TABLE ONLY kept.store
    ADD CONSTRAINT store_pkey PRIMARY KEY (id);
ALTER TABLE ONLY kept.tick
    ADD CONSTRAINT tick_pkey PRIMARY KEY (name);
ALTER TABLE ONLY kept.worker
    ADD CONSTRAINT worker_pkey PRIMARY KEY (epoch);
CREATE INDEX instance_buried ON kept.instance USING btree (saga, ended_at, no) WHERE buried;
CREATE INDEX instance_ended ON kept.instance USING btree (saga, status, ended_at, no) WHERE ((ended_at IS NOT NULL) AND (NOT buried));
CREATE INDEX instance_error ON kept.instance USING btree (no) WHERE (error IS NOT NULL);
CREATE INDEX instance_free ON kept.instance USING btree (saga, status, due_at, no) WHERE ((NOT owned) AND (due_at IS NOT NULL));
CREATE INDEX instance_owned ON kept.instance USING btree (epoch, saga, status, due_at, no) WHERE (owned AND (due_at IS NOT NULL));
CREATE INDEX instance_parent ON kept.instance USING btree (parent, no) WHERE (parent IS NOT NULL);
CREATE INDEX instance_queued ON kept.instance USING btree (epoch, saga, due_at, no) WHERE (queued AND (due_at IS NOT NULL));
CREATE INDEX instance_saga ON kept.instance USING btree (saga, status, no);
CREATE INDEX instance_state ON kept.instance USING btree (state, no) WHERE (state IS NOT NULL);
CREATE INDEX label_value ON kept.label USING btree (key, value, instance);
CREATE INDEX message_waiting ON kept.message USING btree (instance, no) WHERE (NOT consumed);
CREATE INDEX request_instance ON kept.request USING btree (instance, no);
