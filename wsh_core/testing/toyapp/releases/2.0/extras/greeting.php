<?php
return 'Welcome to toyapp 2.';
