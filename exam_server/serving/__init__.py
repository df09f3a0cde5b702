"""The running server: its sockets, its one process or several, and what tells how it fares."""
