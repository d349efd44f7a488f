-- The shop: 50 categories, 20,000 customers, 100,000 products, 500,000 orders, 1,000,000 order lines.
-- Everything comes from generate_series and a fixed seed, so each run has the same rows. Two of the
-- handbook's mistakes are made here on purpose: orders.customer_id is a foreign key without an index, and
-- nothing supports ORDER BY price.
SET synchronous_commit = off;
SELECT setseed(0.42);

CREATE TABLE categories (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO categories SELECT g, 'Category ' || g FROM generate_series(1, 50) g;

CREATE TABLE customers (
  id int PRIMARY KEY,
  email text NOT NULL UNIQUE,
  name text NOT NULL,
  password_hash text NOT NULL
);
-- sha256 keeps the demo about traffic; a real shop hashes passwords slowly.
INSERT INTO customers
SELECT g, 'customer' || g || '@shop.example', 'Customer ' || g,
       encode(sha256(('pw' || g)::bytea), 'hex')
FROM generate_series(1, 20000) g;

CREATE TABLE products (
  id int PRIMARY KEY,
  category_id int NOT NULL,
  name text NOT NULL,
  description text NOT NULL,
  price_cents int NOT NULL,
  stock int NOT NULL
);
INSERT INTO products
SELECT g, 1 + g % 50,
       (ARRAY['Copper','Oak','Linen','Steel','Amber','Cotton','Marble','Walnut'])[1 + g % 8] || ' ' ||
       (ARRAY['kettle','chair','lamp','table','clock','basket','mirror'])[1 + g % 7] || ' no. ' || g,
       'Made to last. ' || repeat(
         (ARRAY['Light, strong and easy to clean. ','Sent from our own stock within a day. ',
                'Spare parts are kept for ten years. '])[1 + g % 3], 4) || 'Article ' || md5(g::text),
       100 + (random() * 50000)::int, (random() * 500)::int
FROM generate_series(1, 100000) g;
CREATE INDEX ON products (category_id);

CREATE TABLE orders (
  id int PRIMARY KEY,
  customer_id int NOT NULL,
  created_at timestamptz NOT NULL,
  status text NOT NULL
);
INSERT INTO orders
SELECT g, 1 + (random() * 19999)::int, timestamptz '2025-01-01' + g * interval '1 minute',
       (ARRAY['paid','packed','sent','returned'])[1 + g % 4]
FROM generate_series(1, 500000) g;
CREATE SEQUENCE orders_id START 500001 OWNED BY orders.id;

CREATE TABLE order_items (
  order_id int NOT NULL,
  line int NOT NULL,
  product_id int NOT NULL,
  quantity int NOT NULL,
  PRIMARY KEY (order_id, line)
);
INSERT INTO order_items
SELECT o, l, 1 + (power(random(), 3) * 99999)::int, 1 + (o + l) % 3
FROM generate_series(1, 500000) o, generate_series(1, 2) l;

ALTER TABLE products ADD FOREIGN KEY (category_id) REFERENCES categories;
ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers;  -- no index: the mistake
ALTER TABLE order_items ADD FOREIGN KEY (order_id) REFERENCES orders;
ANALYZE;
