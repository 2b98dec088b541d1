"""All that people read: problems, plans, progress, reports, tables. Each takes a console and writes lines to it."""
