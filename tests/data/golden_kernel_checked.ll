@WEIGHTS = private unnamed_addr constant [2 x double] [double 0x3FE0000000000000, double 0x3FD0000000000000]
@kernel.outside = global [3 x i64] zeroinitializer
declare double @llvm.fma.f64(double, double, double)
declare double @llvm.floor.f64(double)
declare double @llvm.ceil.f64(double)
declare double @llvm.sqrt.f64(double)
declare double @llvm.fabs.f64(double)
define internal double @slope.0(ptr noalias %Z, i64 %Z.0, i64 %j) alwaysinline #0 {
entry:
  %.3 = icmp ult i64 %j, %Z.0
  br i1 %.3, label %inside.1, label %noted.2
noted.2:
  %.4 = getelementptr i64, ptr @kernel.outside, i64 0
  store i64 1, ptr %.4
  %.5 = getelementptr i64, ptr @kernel.outside, i64 1
  store i64 %j, ptr %.5
  %.6 = getelementptr i64, ptr @kernel.outside, i64 2
  store i64 %Z.0, ptr %.6
  br label %outside
inside.1:
  %.7 = getelementptr inbounds double, ptr %Z, i64 %j
  %.8 = load double, ptr %.7
  %.11 = icmp ult i64 0, 2
  br i1 %.11, label %inside.9, label %noted.10
noted.10:
  %.12 = getelementptr i64, ptr @kernel.outside, i64 0
  store i64 2, ptr %.12
  %.13 = getelementptr i64, ptr @kernel.outside, i64 1
  store i64 0, ptr %.13
  %.14 = getelementptr i64, ptr @kernel.outside, i64 2
  store i64 2, ptr %.14
  br label %outside
inside.9:
  %.15 = getelementptr inbounds double, ptr @WEIGHTS, i64 0
  %.16 = load double, ptr %.15
  %.17 = call double @llvm.fma.f64(double 0xBFB999999999999A, double %.8, double %.16)
  ret double %.17
outside:
  ret double zeroinitializer
}
define internal { double, i64 } @halved.1(ptr noalias %Z, i64 %Z.0, i64 %j, i64 %turns) #0 {
entry:
  %turns.slot = alloca i64
  %step.slot = alloca double
  store i64 %turns, ptr %turns.slot
  store double 0x3FF0000000000000, ptr %step.slot
  br label %while.1
while.1:
  %.5 = call double @slope.0(ptr %Z, i64 %Z.0, i64 %j)
  %.7 = load i64, ptr @kernel.outside
  %.8 = icmp eq i64 %.7, 0
  br i1 %.8, label %inside.6, label %outside
inside.6:
  %.9 = call double @llvm.fabs.f64(double %.5)
  %.10 = load double, ptr %step.slot
  %.11 = fcmp ogt double %.9, %.10
  br i1 %.11, label %further.12, label %known.4
further.12:
  %.13 = load i64, ptr %turns.slot
  %.14 = icmp slt i64 %.13, 60
  br label %known.4
known.4:
  %.15 = phi i1 [ false, %inside.6 ], [ %.14, %further.12 ]
  br i1 %.15, label %do.2, label %after.3
do.2:
  %.16 = load double, ptr %step.slot
  %.17 = fmul double %.16, 0x3FE0000000000000
  store double %.17, ptr %step.slot
  %.18 = load i64, ptr %turns.slot
  %.19 = add i64 %.18, 1
  store i64 %.19, ptr %turns.slot
  br label %while.1
after.3:
  %.20 = load double, ptr %step.slot
  %.21 = load i64, ptr %turns.slot
  %.22 = insertvalue { double, i64 } poison, double %.20, 0
  %.23 = insertvalue { double, i64 } %.22, i64 %.21, 1
  ret { double, i64 } %.23
outside:
  ret { double, i64 } zeroinitializer
}
define i64 @run(ptr noalias %Z, i64 %Z.0, ptr noalias %marks, i64 %marks.0, i64 %marks.1, double %accuracy, i64 %n) #0 {
entry:
  br label %for.1
for.1:
  %.5 = phi i64 [ 0, %entry ], [ %.5.next, %next.3 ]
  %.6 = icmp slt i64 %.5, 16
  br i1 %.6, label %do.2, label %after.4
do.2:
  %.7 = call double @slope.0(ptr %Z, i64 %Z.0, i64 %.5)
  %.9 = load i64, ptr @kernel.outside
  %.10 = icmp eq i64 %.9, 0
  br i1 %.10, label %inside.8, label %outside
inside.8:
  %.11 = fcmp olt double %.7, %accuracy
  %.12 = select i1 %.11, double %.7, double %accuracy
  %.13 = add i64 16, %.5
  %.16 = icmp ult i64 %.13, %Z.0
  br i1 %.16, label %inside.14, label %noted.15
noted.15:
  %.17 = getelementptr i64, ptr @kernel.outside, i64 0
  store i64 3, ptr %.17
  %.18 = getelementptr i64, ptr @kernel.outside, i64 1
  store i64 %.13, ptr %.18
  %.19 = getelementptr i64, ptr @kernel.outside, i64 2
  store i64 %Z.0, ptr %.19
  br label %outside
inside.14:
  %.20 = getelementptr inbounds double, ptr %Z, i64 %.13
  store double %.12, ptr %.20
  br label %next.3
next.3:
  %.5.next = add nsw i64 %.5, 1
  br label %for.1, !llvm.loop !5
after.4:
  br label %for.21
for.21:
  %.25 = phi i64 [ 0, %after.4 ], [ %.25.next, %next.23 ]
  %.26 = icmp slt i64 %.25, %n
  br i1 %.26, label %do.22, label %after.24
do.22:
  %.29 = icmp ult i64 %.25, %Z.0
  br i1 %.29, label %inside.27, label %noted.28
noted.28:
  %.30 = getelementptr i64, ptr @kernel.outside, i64 0
  store i64 4, ptr %.30
  %.31 = getelementptr i64, ptr @kernel.outside, i64 1
  store i64 %.25, ptr %.31
  %.32 = getelementptr i64, ptr @kernel.outside, i64 2
  store i64 %Z.0, ptr %.32
  br label %outside
inside.27:
  %.33 = getelementptr inbounds double, ptr %Z, i64 %.25
  %.34 = load double, ptr %.33
  %.35 = fcmp ogt double %.34, 0x3FF0000000000000
  %.36 = xor i1 %.35, true
  %.39 = icmp ult i64 0, %marks.0
  br i1 %.39, label %inside.37, label %noted.38
noted.38:
  %.40 = getelementptr i64, ptr @kernel.outside, i64 0
  store i64 5, ptr %.40
  %.41 = getelementptr i64, ptr @kernel.outside, i64 1
  store i64 0, ptr %.41
  %.42 = getelementptr i64, ptr @kernel.outside, i64 2
  store i64 %marks.0, ptr %.42
  br label %outside
inside.37:
  %.45 = icmp ult i64 %.25, %marks.1
  br i1 %.45, label %inside.43, label %noted.44
noted.44:
  %.46 = getelementptr i64, ptr @kernel.outside, i64 0
  store i64 6, ptr %.46
  %.47 = getelementptr i64, ptr @kernel.outside, i64 1
  store i64 %.25, ptr %.47
  %.48 = getelementptr i64, ptr @kernel.outside, i64 2
  store i64 %marks.1, ptr %.48
  br label %outside
inside.43:
  %.49 = mul nsw i64 0, %marks.1
  %.50 = add nsw i64 %.49, %.25
  %.51 = getelementptr inbounds i8, ptr %marks, i64 %.50
  %.52 = zext i1 %.36 to i8
  store i8 %.52, ptr %.51
  %.55 = icmp ult i64 0, %marks.0
  br i1 %.55, label %inside.53, label %noted.54
noted.54:
  %.56 = getelementptr i64, ptr @kernel.outside, i64 0
  store i64 7, ptr %.56
  %.57 = getelementptr i64, ptr @kernel.outside, i64 1
  store i64 0, ptr %.57
  %.58 = getelementptr i64, ptr @kernel.outside, i64 2
  store i64 %marks.0, ptr %.58
  br label %outside
inside.53:
  %.61 = icmp ult i64 %.25, %marks.1
  br i1 %.61, label %inside.59, label %noted.60
noted.60:
  %.62 = getelementptr i64, ptr @kernel.outside, i64 0
  store i64 8, ptr %.62
  %.63 = getelementptr i64, ptr @kernel.outside, i64 1
  store i64 %.25, ptr %.63
  %.64 = getelementptr i64, ptr @kernel.outside, i64 2
  store i64 %marks.1, ptr %.64
  br label %outside
inside.59:
  %.65 = mul nsw i64 0, %marks.1
  %.66 = add nsw i64 %.65, %.25
  %.67 = getelementptr inbounds i8, ptr %marks, i64 %.66
  %.68 = load i8, ptr %.67
  %.69 = trunc i8 %.68 to i1
  br i1 %.69, label %then.70, label %else.71
then.70:
  br label %next.23
else.71:
  br label %after.72
after.72:
  %.73 = call { double, i64 } @halved.1(ptr %Z, i64 %Z.0, i64 %.25, i64 0)
  %.75 = load i64, ptr @kernel.outside
  %.76 = icmp eq i64 %.75, 0
  br i1 %.76, label %inside.74, label %outside
inside.74:
  %.77 = extractvalue { double, i64 } %.73, 0
  %.78 = extractvalue { double, i64 } %.73, 1
  %.81 = icmp ult i64 %.25, %Z.0
  br i1 %.81, label %inside.79, label %noted.80
noted.80:
  %.82 = getelementptr i64, ptr @kernel.outside, i64 0
  store i64 9, ptr %.82
  %.83 = getelementptr i64, ptr @kernel.outside, i64 1
  store i64 %.25, ptr %.83
  %.84 = getelementptr i64, ptr @kernel.outside, i64 2
  store i64 %Z.0, ptr %.84
  br label %outside
inside.79:
  %.85 = getelementptr inbounds double, ptr %Z, i64 %.25
  store double %.77, ptr %.85
  %.86 = icmp eq i64 %.78, 60
  br i1 %.86, label %then.87, label %else.88
then.87:
  ret i64 %.25
else.88:
  br label %after.89
after.89:
  br label %next.23
next.23:
  %.25.next = add nsw i64 %.25, 1
  br label %for.21, !llvm.loop !6
after.24:
  ret i64 %n
outside:
  ret i64 zeroinitializer
}
attributes #0 = { nounwind "prefer-vector-width"="512" }
!0 = !{!"llvm.loop.interleave.count", i32 2}
!1 = !{!"llvm.loop.unroll.disable"}
!2 = !{!"llvm.loop.interleave.count", i32 1}
!3 = distinct !{}
!4 = !{!"llvm.loop.parallel_accesses", !3}
!5 = distinct !{!5, !0, !1}
!6 = distinct !{!6, !0}
