"""Takes log lines over one TCP connection and writes them to a file: the syslog daemon HAProxy's ring sends to.

Flow: collector.py FILE; prints its port on the first line, and ends with the connection.
"""
import socket
import sys


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    source, _ = listener.accept()
    with source, open(sys.argv[1], "wb", buffering=0) as target:
        while chunk := source.recv(1 << 20):
            target.write(chunk)


if __name__ == "__main__":
    main()
