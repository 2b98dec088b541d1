"""Names that no account and no domain may have, and why: lists, nothing else."""

from __future__ import annotations

from typing import Final

_USERS = """
_apt backup bin daemon games gnats irc list lp mail man messagebus mysql news nobody ntp postfix proxy root
sshd statd sync sys systemd tss uucp uuidd www
"""
_PACKAGES = """
avahi bind certbot clamav colord dnsmasq docker dovecot exim fail2ban ftp git grafana haproxy jenkins kvm
libvirt lxd mariadb memcache memcached mongodb munin nagios named nginx opendkim opendmarc openldap polkitd
polkit postgres postgrey postsrsd powerdns prometheus proftpd pulse rabbitmq redis rspamd rtkit salt saned
snmp solr spamassassin spamd squid sssd strongswan stunnel tcpdump tftp tomcat tor unbound usbmux varnish
vsftpd zabbix
"""
_GROUPS = """
adm audio cdrom crontab dialout dip disk fax floppy fuse input kmem lpadmin netdev nogroup operator plugdev
render rdma sasl scanner sgx shadow src ssh ssl staff sudo tape tty users utmp video voice wheel
"""
_IMAGES = "admin debian"
"""The first users of Debian's cloud images."""

_DATABASE = "information performance public sys test"
"""`ACCOUNT_` begins the names of an account's databases: these would meet MariaDB's own, and PUBLIC."""

_WSH = "all apache none php wsh"

ACCOUNTS: Final = frozenset(f"{_USERS} {_PACKAGES} {_GROUPS} {_IMAGES} {_DATABASE} {_WSH}".split())
"""Users and groups of Debian and of its packages (base-passwd, sysusers.d), of MariaDB and of wsh."""

TOP_LEVEL: Final = {
    "arpa": "arpa is for the network's own use (RFC 3172)",
    "invalid": "invalid is a name that never exists (RFC 6761)",
    "localhost": "localhost is each visitor's own machine (RFC 6761)",
    "onion": "onion names are not served through DNS (RFC 7686)",
}
"""Top-level domains that no web site can have."""
