"""All that people read: problems, plans, progress, reports, tables. Each writes lines to a console."""
