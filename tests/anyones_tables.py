"""Tables as other teams have them: of the sample databases Pagila, Northwind and Chinook, written here from their published
column names and types with rows of our own, and five that a tool like this is easily wrong about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PAGILA = """
CREATE TYPE mpaa_rating AS ENUM ('G', 'PG', 'PG-13', 'R', 'NC-17');
CREATE DOMAIN year AS integer CHECK (VALUE >= 1901 AND VALUE <= 2155);
CREATE FUNCTION last_updated() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.last_update = CURRENT_TIMESTAMP; RETURN NEW; END';
CREATE SEQUENCE film_film_id_seq;
CREATE TABLE language (language_id serial PRIMARY KEY, name char(20) NOT NULL, last_update timestamptz NOT NULL DEFAULT now());
INSERT INTO language (name) VALUES ('English'), ('Italian');
CREATE TABLE film (
    film_id integer DEFAULT nextval('film_film_id_seq') PRIMARY KEY, title text NOT NULL, description text, release_year year,
    language_id integer NOT NULL REFERENCES language, original_language_id integer REFERENCES language,
    rental_duration smallint DEFAULT 3 NOT NULL, rental_rate numeric(4,2) DEFAULT 4.99 NOT NULL, length smallint,
    replacement_cost numeric(5,2) DEFAULT 19.99 NOT NULL, rating mpaa_rating DEFAULT 'G',
        last_update timestamptz DEFAULT now() NOT NULL,
    special_features text[], fulltext tsvector);
CREATE INDEX film_fulltext_idx ON film USING gist (fulltext);
CREATE INDEX idx_title ON film (title);
CREATE TRIGGER film_fulltext_trigger BEFORE INSERT OR UPDATE ON film FOR EACH ROW
    EXECUTE FUNCTION tsvector_update_trigger('fulltext', 'pg_catalog.english', 'title', 'description');
CREATE TRIGGER last_updated BEFORE UPDATE ON film FOR EACH ROW EXECUTE FUNCTION last_updated();
INSERT INTO film (title, description, release_year, language_id, length, rating, special_features)
    SELECT 'Film ' || n, 'A tale ' || n, 2000 + n % 20, 1, 60 + n, 'PG', '{Trailers}' FROM generate_series(1, 40) n;
CREATE TABLE customer (
    customer_id serial PRIMARY KEY, store_id integer NOT NULL, first_name text NOT NULL, last_name text NOT NULL, email text,
    address_id integer NOT NULL, activebool boolean DEFAULT true NOT NULL, create_date date DEFAULT CURRENT_DATE NOT NULL,
    last_update timestamptz DEFAULT now(), active integer);
CREATE INDEX idx_last_name ON customer (last_name);
CREATE TRIGGER last_updated BEFORE UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION last_updated();
INSERT INTO customer (store_id, first_name, last_name, email, address_id, active)
    SELECT 1, 'F' || n, 'L' || n, 'c' || n || '@example.org', n, 1 FROM generate_series(1, 30) n;
CREATE TABLE rental (
    rental_id serial PRIMARY KEY, rental_date timestamptz NOT NULL, inventory_id integer NOT NULL,
    customer_id integer NOT NULL REFERENCES customer, return_date timestamptz, staff_id integer NOT NULL,
    last_update timestamptz DEFAULT now() NOT NULL);
CREATE UNIQUE INDEX rental_unique ON rental (rental_date, inventory_id, customer_id);
CREATE TRIGGER last_updated BEFORE UPDATE ON rental FOR EACH ROW EXECUTE FUNCTION last_updated();
INSERT INTO rental (rental_date, inventory_id, customer_id, return_date, staff_id)
    SELECT timestamptz '2022-05-24' + n * interval '7 hours', n, 1 + n % 30, NULL, 1 FROM generate_series(1, 60) n;
CREATE TABLE staff (
    staff_id serial PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL, email text,
        active boolean DEFAULT true NOT NULL,
    username text NOT NULL, password text, last_update timestamptz DEFAULT now() NOT NULL, picture bytea);
CREATE TRIGGER last_updated BEFORE UPDATE ON staff FOR EACH ROW EXECUTE FUNCTION last_updated();
INSERT INTO staff (first_name, last_name, username, picture) VALUES ('Mike', 'H', 'Mike', '\\x89504e47'), ('Jon', 'S', 'Jon',
        NULL);
"""
NORTHWIND = """
CREATE TABLE customers (
    customer_id character varying(5) PRIMARY KEY, company_name character varying(40) NOT NULL,
        contact_name character varying(30),
    city character varying(15), region character varying(15), phone character varying(24), fax character varying(24));
INSERT INTO customers SELECT 'C' || n, 'Company ' || n, 'Name ' || n, 'City', NULL, '030-' || n, '030-9' || n
    FROM generate_series(1, 25) n;
CREATE TABLE employees (
    employee_id smallint PRIMARY KEY, last_name character varying(20) NOT NULL, first_name character varying(10) NOT NULL,
    birth_date date, hire_date date, photo bytea, notes text, reports_to smallint REFERENCES employees,
        photo_path character varying(255));
INSERT INTO employees SELECT n, 'L' || n, 'F' || n, '1960-01-01', '1992-05-01', '\\x15', 'note',
    nullif(n - 1, 0), 'http://accweb/emmployees/L' || n || '.bmp' FROM generate_series(1, 12) n;
CREATE TABLE products (
    product_id smallint PRIMARY KEY, product_name character varying(40) NOT NULL, supplier_id smallint, category_id smallint,
    quantity_per_unit character varying(20), unit_price real, units_in_stock smallint, discontinued integer NOT NULL);
INSERT INTO products SELECT n, 'Product ' || n, 1, 1, '10 boxes', 1.5 * n, n, 0 FROM generate_series(1, 20) n;
CREATE TABLE orders (
    order_id smallint PRIMARY KEY, customer_id character varying(5) REFERENCES customers,
        employee_id smallint REFERENCES employees,
    order_date date, required_date date, shipped_date date, freight real, ship_name character varying(40),
    ship_region character varying(15), ship_country character varying(15));
INSERT INTO orders SELECT n, 'C' || 1 + n % 25, 1 + n % 12, date '1996-07-04' + n, date '1996-08-04' + n, NULL, 3.5,
        'Company ' || 1 + n % 25,
    NULL, 'France' FROM generate_series(1, 50) n;
CREATE TABLE order_details (
    order_id smallint NOT NULL REFERENCES orders, product_id smallint NOT NULL REFERENCES products, unit_price real NOT NULL,
    quantity smallint NOT NULL, discount real NOT NULL, PRIMARY KEY (order_id, product_id));
INSERT INTO order_details SELECT 1 + n / 20, 1 + n % 20, 9.5, n, 0 FROM generate_series(0, 90) n;
"""
CHINOOK = """
CREATE TABLE "Genre" ("GenreId" int NOT NULL, "Name" varchar(120), CONSTRAINT "PK_Genre" PRIMARY KEY ("GenreId"));
INSERT INTO "Genre" VALUES (1, 'Rock'), (2, 'Jazz');
CREATE TABLE "Customer" (
    "CustomerId" int NOT NULL, "FirstName" varchar(40) NOT NULL, "LastName" varchar(20) NOT NULL, "Company" varchar(80),
    "Phone" varchar(24), "Fax" varchar(24), "Email" varchar(60) NOT NULL, "SupportRepId" int,
    CONSTRAINT "PK_Customer" PRIMARY KEY ("CustomerId"));
INSERT INTO "Customer" SELECT n, 'F' || n, 'L' || n, NULL, '+55 ' || n, NULL, 'c' || n || '@example.org', 1
        FROM generate_series(1, 15) n;
CREATE TABLE "Track" (
    "TrackId" int NOT NULL, "Name" varchar(200) NOT NULL, "GenreId" int, "Composer" varchar(220), "Milliseconds" int NOT NULL,
    "Bytes" int, "UnitPrice" numeric(10,2) NOT NULL, CONSTRAINT "PK_Track" PRIMARY KEY ("TrackId"));
ALTER TABLE "Track" ADD CONSTRAINT "FK_TrackGenreId" FOREIGN KEY ("GenreId") REFERENCES "Genre" ("GenreId");
CREATE INDEX "IFK_TrackGenreId" ON "Track" ("GenreId");
INSERT INTO "Track" SELECT n, 'Song ' || n, 1 + n % 2, NULL, 200000 + n, 1000 * n, 0.99 FROM generate_series(1, 35) n;
CREATE TABLE "Invoice" (
    "InvoiceId" int NOT NULL, "CustomerId" int NOT NULL, "InvoiceDate" timestamp NOT NULL, "BillingAddress" varchar(70),
    "BillingState" varchar(40), "Total" numeric(10,2) NOT NULL, CONSTRAINT "PK_Invoice" PRIMARY KEY ("InvoiceId"));
ALTER TABLE "Invoice" ADD CONSTRAINT "FK_InvoiceCustomerId" FOREIGN KEY ("CustomerId") REFERENCES "Customer" ("CustomerId");
INSERT INTO "Invoice" SELECT n, 1 + n % 15, timestamp '2009-01-01' + n * interval '3 days', 'Street ' || n, NULL, 1.98
    FROM generate_series(1, 45) n;
"""
_QUOTED = ", ".join(f'"col ""{n}"" x" {("text", "int", "boolean")[n % 3]}' for n in range(199))
OWN = f"""
CREATE TABLE no_key (at timestamptz DEFAULT now(), message text, detail text);
INSERT INTO no_key (message) SELECT 'event ' || n % 3 FROM generate_series(1, 20) n;
CREATE TABLE no_time (code text PRIMARY KEY, label text, legacy_label text);
INSERT INTO no_time SELECT 'k' || n, 'Label ' || n, 'Label ' || n FROM generate_series(1, 20) n;
CREATE SCHEMA "Sales Team";
CREATE TABLE "Sales Team"."Order Items" ("order" uuid, pos int, "Done" boolean NOT NULL DEFAULT false, note text UNIQUE,
        memo text,
    created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY ("order", pos));
INSERT INTO "Sales Team"."Order Items" SELECT gen_random_uuid(), n, true, NULL, 'memo ' || n FROM generate_series(1, 20) n;
CREATE TABLE documents (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body jsonb NOT NULL, extra jsonb, raw json,
    status text NOT NULL CHECK (status IN ('draft', 'published')), published_at timestamp);
INSERT INTO documents (body, raw, status, published_at)
    SELECT jsonb_build_object('n', n), '{{}}', CASE WHEN n % 4 = 0 THEN 'draft' ELSE 'published' END,
    CASE WHEN n % 4 > 0 THEN timestamp '2024-01-01' + n * interval '1 day' END FROM generate_series(1, 40) n;
CREATE TABLE wide (id int PRIMARY KEY, {_QUOTED});
INSERT INTO wide (id, "col ""0"" x", "col ""1"" x", "col ""3"" x") SELECT n, 'a-' || n, n, 'text ' || n
        FROM generate_series(1, 15) n;
"""


@dataclass(frozen=True)
class Case:
    """A table, the columns that it loses, and what is right: of `loss` per column, and of the steps of a rehearsal."""

    schema: str
    table: str
    loss: Mapping[str, str]
    key: tuple[str, ...] = ()
    time: str | None = None
    claims: Mapping[str, str] = field(default_factory=dict)
    warns: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


CASES = {
    "pagila film": Case(PAGILA, "film", {"original_language_id": "pass"}, ("film_id",)),
    "pagila film fulltext": Case(PAGILA, "film", {"length": "fail", "special_features": "fail"}, ("film_id",)),
    "pagila customer": Case(PAGILA, "customer", {"active": "fail"}, ("customer_id",), "create_date"),
    "pagila rental": Case(PAGILA, "rental", {"return_date": "pass"}, ("rental_id",), "rental_date"),
    "pagila staff": Case(PAGILA, "staff", {"picture": "fail"}, ("staff_id",)),
    "northwind customers": Case(NORTHWIND, "customers", {"fax": "fail", "region": "pass"}, ("customer_id",)),
    "northwind employees": Case(NORTHWIND, "employees", {"photo_path": "pass"}, ("employee_id",)),
    "northwind products": Case(NORTHWIND, "products", {"discontinued": "fail"}, ("product_id",)),
    "northwind orders": Case(
        NORTHWIND, "orders", {"ship_region": "pass", "ship_name": "fail"}, ("order_id",), "order_date"
    ),
    "northwind order_details": Case(NORTHWIND, "order_details", {"discount": "fail"}, ("order_id", "product_id")),
    "chinook Customer": Case(CHINOOK, "Customer", {"Fax": "pass", "Company": "pass"}, ("CustomerId",)),
    "chinook Track": Case(CHINOOK, "Track", {"GenreId": "fail", "Composer": "pass"}, ("TrackId",)),
    "chinook Invoice": Case(CHINOOK, "Invoice", {"BillingState": "pass"}, ("InvoiceId",), "InvoiceDate"),
    "no key": Case(OWN, "no_key", {"detail": "pass"}, (), "at"),
    "no time": Case(OWN, "no_time", {"legacy_label": "pass"}, ("code",)),
    "composite key": Case(
        OWN, "Sales Team.Order Items", {"note": "pass", "memo": "fail"}, ("order", "pos"), "created_at"
    ),
    "jsonb": Case(OWN, "documents", {"extra": "pass", "raw": "pass"}, ("id",), "published_at"),
    "200 columns": Case(
        OWN, "wide", {'col "0" x': "pass", 'col "1" x': "pass", 'col "3" x': "fail", 'col "198" x': "pass"}, ("id",)
    ),
}
