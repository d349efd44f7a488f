-- The shop that every client sees. Loaded once for each instance, into a schema of its own, so that equal statements of
-- clients that run at the same time mean different tables.
create table users (
  id serial primary key,
  email text not null unique,
  name text not null,
  active boolean not null default true
);
create table products (
  id serial primary key,
  name text not null,
  price numeric(10, 2) not null check (price >= 0)
);
create table orders (
  id serial primary key,
  user_id integer not null references users (id),
  total numeric(10, 2) not null default 0,
  placed_at timestamptz not null
);
create index orders_user on orders (user_id);
create table order_items (
  order_id integer not null references orders (id),
  product_id integer not null references products (id),
  quantity integer not null,
  primary key (order_id, product_id)
);
-- What clients write to.
create table notes (
  id serial primary key,
  title text not null unique,
  body text,
  stars integer check (stars >= 0),
  data bytea,
  labels text[]
);

insert into users (email, name, active)
  select 'user' || i || '@example.com', 'User ' || i, i % 3 <> 0 from generate_series(1, 40) i;
insert into products (name, price) select 'Product ' || i, i * 1.25 from generate_series(1, 20) i;
insert into orders (user_id, total, placed_at)
  select 1 + i % 40, i * 0.5, timestamptz '2024-01-01 00:00+00' + i * interval '1 hour' from generate_series(1, 200) i;
insert into order_items (order_id, product_id, quantity)
  select o, 1 + (o * k) % 20, k from generate_series(1, 200) o, generate_series(1, 3) k on conflict do nothing;
