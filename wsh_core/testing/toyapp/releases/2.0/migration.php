<?php
/* Users have numbers, by which notes name them; the release before cannot read what this one leaves. */
database()->query('ALTER TABLE users DROP PRIMARY KEY, ADD id INT AUTO_INCREMENT PRIMARY KEY FIRST, ADD UNIQUE (name)');
database()->query('ALTER TABLE notes ADD user INT AFTER id');
database()->query('UPDATE notes JOIN users ON users.name = notes.author SET notes.user = users.id');
database()->query('ALTER TABLE notes DROP author');
//@FAULT@
database()->query('ALTER TABLE notes MODIFY user INT NOT NULL');
