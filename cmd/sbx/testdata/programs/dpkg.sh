dpkg --print-architecture; dpkg -l | awk '{print $1, $2, $3, $4}'; dpkg-query -W -f '${Package} ${Version} ${Installed-Size}\n' | sort | md5sum; apt-config dump | md5sum; dpkg --audit; dpkg -L bash | wc -l; dpkg -S /bin/bash /usr/bin/awk 2>&1; dpkg --verify 2>/dev/null | grep -v /usr/share/doc | head
dpkg --compare-versions 1.0~rc1 lt 1.0 && echo older; dpkg --get-selections | wc -l; apt-mark showmanual | sort | md5sum; apt-cache policy bash 2>/dev/null | head -n 3; apt list --installed 2>/dev/null | wc -l
mkdir -p p/DEBIAN p/opt/x; printf 'Package: x\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b>\nDescription: x\n' > p/DEBIAN/control; echo hi > p/opt/x/f; echo /opt/x/f > p/DEBIAN/conffiles
for s in preinst postinst prerm postrm; do printf '#!/bin/sh\necho %s "$@"\n' $s > p/DEBIAN/$s; chmod 755 p/DEBIAN/$s; done
dpkg-deb --root-owner-group -b p x.deb
# In a root of its own: this one is compared with others.
mkdir -p root/var/lib/dpkg/{info,updates,triggers}; touch root/var/lib/dpkg/status
dpkg --root=/work/root --force-script-chrootless -i x.deb; echo $?; dpkg --root=/work/root -l x | tail -n 1; cat root/opt/x/f; echo changed >> root/opt/x/f; sed -i 's/Version: 1/Version: 2/' p/DEBIAN/control; echo ho > p/opt/x/f; dpkg-deb --root-owner-group -b p y.deb; dpkg --root=/work/root --force-script-chrootless --force-confdef --force-confold -i y.deb; echo $?; ls root/opt/x
dpkg --root=/work/root --force-script-chrootless -P x; echo $?; find root/opt; rm -rf root x.deb y.deb
