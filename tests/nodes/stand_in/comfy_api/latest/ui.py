"""Previews are made when nodes run, and these do not: there is nothing here."""
