# Varnish at its best: the built-in VCL (which also marks what is private as hit-for-miss) and one
# addition. http_gzip_support is off (see servers.py), so that both the gzip and the identity form of
# an answer are stored as the origin made them; with it on, Varnish unpacks the gzip form for each
# identity client (5.8 k/s instead of what the table shows).
vcl 4.1;

backend default {
    .host = "127.0.0.1";
    .port = "@ORIGIN_PORT@";
    .connect_timeout = 5s;
    .first_byte_timeout = 60s;
}

sub vcl_recv {
    # Two forms of Accept-Encoding, so that Vary makes two variants and not one for each spelling.
    if (req.http.Accept-Encoding ~ "gzip") {
        set req.http.Accept-Encoding = "gzip";
    } else {
        unset req.http.Accept-Encoding;
    }
}
